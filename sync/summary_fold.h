// Summary fold: what a run's summary says, value by value, in memory that grows with the keys only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wb/value.h"

namespace wb {

/// Folds logged and explicit values. As in wandb the last one wins: a value logged behind an explicit one replaces
/// it, an explicit one takes the place of the kinds that define_metric asked for until then.
/// null does not enter. min, max and mean pass over NaN: one bad step must not spoil the whole run's figure.
class SummaryFold {
 public:
  /// The key's place in the fold, for log(). Stays the same as long as the fold lives.
  std::size_t place_of(std::string_view key);
  void log(std::size_t place, const Value& value);
  void set(std::string_view key, const Value& value);

  /// The summary, JSON text per key. `definitions` are define_metric records: exact names before globs (`*` at the
  /// end), later before earlier.
  std::map<std::string, std::string> finish(const std::vector<std::map<std::string, std::string>>& definitions) const;

 private:
  struct Entry {
    bool present = false;
    bool explicit_value = false;
    Value last;                      // Of a text only the type; its bytes are in last_text.
    std::uint64_t number_count = 0;  // Of the numbers in min, max and sum.
    double min = 0, max = 0, sum = 0;
    std::string first;  // JSON text.
    std::string last_text;
  };
  static void keep_last(Entry& entry, const Value& value);
  static std::string last_json(const Entry& entry);
  static std::string with_kinds(const Entry& entry, const std::map<std::string, std::string>& definition);

  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

}  // namespace wb
