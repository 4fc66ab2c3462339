// Line fields: the values of one group, each under the name that it has on the line.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sync/key_table.h"
#include "sync/row_merge.h"

namespace wb {

/// A name on the lines of one merge.
struct LineName {
  std::string text;
  std::string member;        ///< As a line has it: `"text":`.
  std::uint32_t number = 0;  ///< Names count from 0, so that a consumer can keep a table of them.
};

struct LineField {
  const LineName* name = nullptr;  ///< Lives as long as the LineFields that gave it.
  Value value;                     ///< Borrowed from the row.
};

/// Resolves the names of one merge; each is made once, so a value costs no look-up by text. Use it with one merge only.
///
/// Keys "" are left out as wandb does. `_step` and `wb/step` belong to wbsync: a program's own value of that name goes
/// as "user/_step", "user/wb/step". Where several journals of the group log one key, each value has its origin behind
/// the name: "/rank<r>" if ranks differ, "/attempt<a>" on all but the highest attempt of a rank, "/<8 hex of the
/// journal>" where two processes were one rank in one attempt.
class LineFields {
 public:
  /// The group's values: names in the order in which its journals log them, one name's values by journal; of one
  /// journal as it logs them. Valid until the next call.
  std::span<const LineField> of(const RowMerge& merge, const RowGroup& group);

 private:
  /// The name that a journal's key has before its origin is added.
  struct OwnName {
    bool is_known = false;
    const LineName* name = nullptr;  // None: the key is left out.
  };
  struct NameWithOrigin {
    unsigned origin = 0;
    const LineName* name = nullptr;
  };
  /// A cell of the group's rows.
  struct Found {
    std::size_t member = 0;
    std::uint32_t key_index = 0;
    const LineName* name = nullptr;  // None: it is left out.
    std::size_t field = 0;           // Its place among the fields.
  };
  /// How often a name stands on the line, and where its next value goes.
  struct Use {
    std::uint64_t line = 0;
    std::size_t count = 0;
    std::size_t next = 0;
  };

  const LineName* intern(const std::string& text);
  const LineName* own_name(const JournalModel& journal, std::size_t member, std::uint32_t key_index);
  bool has_last_names(const RowMerge& merge, const RowGroup& group) const;
  void find(const RowMerge& merge, std::size_t member);
  void sort_by_name();
  void fill(const RowMerge& merge, const RowGroup& group);
  void add_origins(const RowMerge& merge, std::size_t begin, std::size_t end);
  const LineName* with_origin(const JournalModel& journal, std::size_t member, const LineName& name, unsigned origin);

  std::deque<LineName> names_;
  std::unordered_map<std::string_view, LineName*> by_text_;
  std::vector<KeyIndexMap<OwnName>> own_names_;            // Per member, by key index.
  std::vector<KeyIndexMap<NameWithOrigin>> origin_names_;  // Per member, by number of the own name.

  // Of the last line.
  std::uint64_t line_ = 0;
  std::vector<Use> uses_;  // By number of the own name.
  std::vector<const LineName*> order_;
  std::vector<Found> found_;  // By member, as its row has them.
  std::vector<LineField> fields_;
  std::vector<std::size_t> members_;  // Of each field.
};

}  // namespace wb
