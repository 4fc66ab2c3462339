// Journal cursor: calls read_journal() from the last known record on, once per piece.
#include "sync/journal_cursor.h"

#include <algorithm>
#include <utility>

namespace wb {

JournalCursor::JournalCursor(const JournalModel& journal, JournalRange range, std::size_t piece_bytes,
                             bool with_summary)
    : journal_(&journal),
      range_(range),
      piece_bytes_(piece_bytes),
      with_summary_(with_summary),
      end_sequence_(std::min(range.last_sequence, journal.scan.last_sequence)),
      read_sequence_(range.first_sequence - 1),
      popped_sequence_(range.first_sequence - 1) {}

Status JournalCursor::fill() {
  while (items_.empty() && !at_end_) {
    Status status = read_piece();
    if (!status.ok()) return status;
  }
  return {};
}

Status JournalCursor::read_piece() {
  if (read_sequence_ >= end_sequence_) {
    at_end_ = true;
    if (std::optional<Row> open = assembler_.take_open()) items_.push_back({.row = std::move(*open), .summary = {}});
    return {};
  }
  std::size_t bytes = 0;
  const auto take_row = [this](Row&& row) { items_.push_back({.row = std::move(row), .summary = {}}); };
  const Result<JournalScan> scan = read_journal(journal_->files, read_sequence_, [&](const Frame& frame) {
    if (frame.source == Source::kKeeper) return true;
    if (frame.sequence > end_sequence_) return false;
    read_sequence_ = std::max(read_sequence_, frame.sequence);
    if (frame.kind == Kind::kRow) {
      // A row that does not decode was reported as damage when the journal was read for the model.
      if (const Result<RowView> part = RowView::parse(frame.payload); part.ok()) {
        assembler_.add(part.value(), frame.flags, frame.sequence, take_row);
      }
      bytes += frame.payload.size();
    } else if (frame.kind == Kind::kSummary && with_summary_) {
      items_.push_back({.row = {}, .summary = {frame.payload.begin(), frame.payload.end()}});
      bytes += frame.payload.size();
    }
    return bytes < piece_bytes_;
  });
  if (!scan.ok()) return scan.status();
  if (bytes < piece_bytes_) read_sequence_ = end_sequence_;  // It ran to the end of the range.
  return {};
}

void JournalCursor::pop() {
  const CursorItem& item = items_.front();
  if (item.summary.empty()) {
    popped_sequence_ = item.row.last_sequence;
    popped_step_ = std::max(popped_step_, item.row.step);
  }
  items_.pop_front();
}

}  // namespace wb
