// Row merge: the rows of several journals of one run in one defined order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/journal_cursor.h"
#include "sync/row_stream.h"
#include "sync/run_model.h"

namespace wb {

/// The rows that make one line: heads of their journals with one step, by (rank, attempt, start, uuid).
struct RowGroup {
  std::int64_t step = 0;
  std::vector<std::size_t> members;  ///< Indices of cursors.
  bool empty() const { return members.empty(); }
};

/// Merges cursors. The choice depends on nothing but the rows that stand at the heads: always the lowest step, and
/// with it every head of that step. So it goes on the same way wherever a batch was cut, and a batch made from its
/// own records alone comes out the same. A row behind a higher step of its journal is simply next.
class RowMerge {
 public:
  /// Ranges of journals that the run does not have are an error: kCorrupt.
  static Result<RowMerge> open(const RunModel& run, const std::vector<JournalRange>& ranges, std::size_t memory_bytes,
                               bool with_summary);

  /// Makes all heads valid.
  Status fill();
  /// The next group; empty if all cursors are at their end. Call fill() before. Heads that are summary records must
  /// have been popped.
  /// `held` heads are left out; it gets cursors with a head only.
  RowGroup next_group(const std::function<bool(const JournalCursor&)>& held) const;
  void pop(const RowGroup& group);

  std::vector<JournalCursor>& cursors() { return cursors_; }
  const std::vector<JournalCursor>& cursors() const { return cursors_; }

 private:
  std::vector<JournalCursor> cursors_;  // By (rank, attempt, journal start, uuid).
};

}  // namespace wb
