// Summary fold: what a run's summary says, value by value, in memory that grows with the keys only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wb/value.h"

namespace wb {

/// Folds logged and explicit values. As in wandb the last one wins: a value logged behind an explicit one replaces
/// it, an explicit one takes the place of the kinds that define_metric asked for until then.
/// null does not enter. min, max and mean pass over NaN: one bad step must not spoil the whole run's figure.
class SummaryFold {
 public:
  void log(std::string_view key, const Value& value);
  void set(std::string_view key, const Value& value);
  void remove(std::string_view key);

  /// The summary, JSON text per key. `definitions` are define_metric records: exact names before globs (`*` at the
  /// end), later before earlier.
  std::map<std::string, std::string> finish(const std::vector<std::map<std::string, std::string>>& definitions) const;

 private:
  struct Entry {
    bool present = false;
    bool explicit_value = false;
    std::string first, last;  // JSON texts; scalars of `last` are kept as a value until they are asked for.
    Value last_scalar;
    bool last_is_text = false;
    std::uint64_t count = 0;  // Of the numbers in min, max and sum.
    double min = 0, max = 0, sum = 0;
  };
  static std::string last_text(const Entry& entry);
  static std::string with_kinds(const Entry& entry, const std::map<std::string, std::string>& definition);

  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace wb
