// Journal cursor: calls read_journal() once per piece, each time from where it stopped.
#include "sync/journal_cursor.h"

#include <algorithm>

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
  while (next_ == items_.size() && !at_end_) {
    Status status = read_piece();
    if (!status.ok()) return status;
  }
  return {};
}

Status JournalCursor::read_piece() {
  items_.clear();
  cells_.clear();
  texts_.clear();
  next_ = 0;
  Status status;
  if (read_sequence_ < end_sequence_) {
    status = read_records();
  } else {
    at_end_ = true;
    assembler_.take_open([this](const Row& row) { keep_row(row); });
  }
  lend_bytes();
  return status;
}

Status JournalCursor::read_records() {
  std::size_t bytes = 0;
  bool is_whole = true;  // Else records that the model has are out of reach now: they must not count as covered.
  const auto take_row = [this](const Row& row) { keep_row(row); };
  const RecordVisitor take = [&](const Frame& frame) {
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
      keep_summary(frame.payload);
      bytes += frame.payload.size();
    }
    return bytes < piece_bytes_;
  };
  const Result<JournalScan> scan = read_journal(journal_->files, read_sequence_, take, &place_);
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

// The areas still grow: until lend_bytes() an item knows only how much of them is its own.
void JournalCursor::keep_row(const Row& row) {
  items_.push_back({.row = row, .summary = {}});
  cells_.insert(cells_.end(), row.cells.begin(), row.cells.end());
  texts_.insert(texts_.end(), row.texts.begin(), row.texts.end());
}

void JournalCursor::keep_summary(std::span<const std::byte> payload) {
  if (payload.empty()) return;  // Damage, as a payload that does not decode.
  items_.push_back({.row = {}, .summary = payload});
  const std::string_view bytes = as_text(payload);
  texts_.insert(texts_.end(), bytes.begin(), bytes.end());
}

void JournalCursor::lend_bytes() {
  const Cell* cells = cells_.data();
  const char* texts = texts_.data();
  for (CursorItem& item : items_) {
    item.row.cells = {cells, item.row.cells.size()};
    item.row.texts = {texts, item.row.texts.size()};
    cells += item.row.cells.size();
    texts += item.row.texts.size();
    if (item.summary.empty()) continue;
    item.summary = std::as_bytes(std::span(texts, item.summary.size()));
    texts += item.summary.size();
  }
}

void JournalCursor::pop() {
  const CursorItem& item = items_[next_++];
  if (!item.summary.empty()) return;
  popped_sequence_ = item.row.last_sequence;
  popped_step_ = std::max(popped_step_, item.row.step);
}

}  // namespace wb
