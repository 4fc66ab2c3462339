// Journal cursor: a journal's rows one after the other, read in pieces so that memory stays bounded.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sync/row.h"
#include "sync/row_stream.h"
#include "sync/run_model.h"

namespace wb {

/// What stands next in a journal: a row, or a summary record that the program wrote between rows. Both borrow from the
/// cursor, until it is popped.
struct CursorItem {
  Row row;
  std::span<const std::byte> summary;  ///< Payload of a kSummary record; empty for a row.
};

/// Reads a range of one journal. Ends at what the model's scan has seen, so that model and rows agree.
class JournalCursor {
 public:
  /// `journal` must outlive the cursor. About `piece_bytes` of payload are kept at a time.
  JournalCursor(const JournalModel& journal, JournalRange range, std::size_t piece_bytes, bool with_summary);
  JournalCursor(JournalCursor&&) = default;
  JournalCursor& operator=(JournalCursor&&) = default;

  /// Makes head() valid if there is anything left. Fails as read_journal(); kIoError: a record that the model's scan
  /// has seen is out of reach now.
  Status fill();
  /// The next item, or null at the end of the range. Call fill() before.
  const CursorItem* head() const { return next_ == items_.size() ? nullptr : &items_[next_]; }
  void pop();

  const JournalModel& journal() const { return *journal_; }
  std::uint64_t first_sequence() const { return range_.first_sequence; }
  /// The last trainer sequence number that the range can cover now.
  std::uint64_t end_sequence() const { return end_sequence_; }
  /// Of the last row that was popped; one less than first_sequence() before.
  std::uint64_t popped_sequence() const { return popped_sequence_; }
  std::int64_t popped_step() const { return popped_step_; }  ///< Highest step popped; -1: none.

 private:
  Status read_piece();
  Status read_records();
  void keep_row(const Row& row);
  void keep_summary(std::span<const std::byte> payload);
  void lend_bytes();

  const JournalModel* journal_;
  JournalRange range_;
  std::size_t piece_bytes_;
  bool with_summary_;
  std::uint64_t end_sequence_;
  std::uint64_t read_sequence_;  // The last trainer record that the assembler has seen.
  std::uint64_t popped_sequence_;
  std::int64_t popped_step_ = -1;
  bool at_end_ = false;
  ReadingPlace place_;
  RowAssembler assembler_;

  // The piece: its items, what they borrow, and the next of them.
  std::vector<CursorItem> items_;
  std::vector<Cell> cells_;
  std::vector<char> texts_;  // Of rows, and summary payloads.
  std::size_t next_ = 0;
};

}  // namespace wb
