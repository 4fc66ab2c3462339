// Journal cursor: calls read_journal() from the last known record on, once per piece.
#include "sync/journal_cursor.h"

#include <algorithm>
#include <utility>

namespace wb {
namespace {

/// True if the reading for the model missed all records [first, last] too: damage that was reported.
bool known_missing(const JournalScan& scan, std::uint64_t first, std::uint64_t last) {
  while (first <= last) {
    const auto found = std::find_if(scan.damage.begin(), scan.damage.end(), [&](const Damage& damage) {
      return damage.first_missing != 0 && damage.first_missing <= first && first <= damage.last_missing;
    });
    if (found == scan.damage.end()) return false;
    first = found->last_missing + 1;
  }
  return true;
}

}  // namespace

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
  bool is_whole = true;  // Else records that the model has are out of reach now: they must not count as covered.
  const auto take_row = [this](Row&& row) { items_.push_back({.row = std::move(row), .summary = {}}); };
  const Result<JournalScan> scan = read_journal(journal_->files, read_sequence_, [&](const Frame& frame) {
    if (frame.source == Source::kKeeper) return true;
    is_whole = known_missing(journal_->scan, read_sequence_ + 1, std::min(frame.sequence - 1, end_sequence_));
    if (!is_whole || frame.sequence > end_sequence_) return false;
    read_sequence_ = frame.sequence;
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
  if (is_whole && bytes < piece_bytes_) {  // It ran to the end of the range.
    is_whole = known_missing(journal_->scan, read_sequence_ + 1, end_sequence_);
    if (is_whole) read_sequence_ = end_sequence_;
  }
  if (is_whole) return {};
  return {Code::kIoError, journal_->files.directory + "/" + journal_->files.stem + ": records from " +
                              std::to_string(read_sequence_ + 1) +
                              " on were there a moment ago and cannot be read now; run wbsync again"};
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
