// Row merge: a linear look at the heads; journals of one run are few.
#include "sync/row_merge.h"

#include <algorithm>
#include <tuple>

namespace wb {
namespace {

constexpr std::size_t kPieceBytesMin = 128U << 10;

auto merge_key(const JournalModel& journal) {
  return std::tuple(journal.rank, journal.attempt, journal.start.wall_us(), journal.scan.journal);
}

const JournalModel* find_journal(const RunModel& run, const Uuid& uuid) {
  for (const JournalModel& journal : run.journals) {
    if (journal.scan.journal == uuid) return &journal;
  }
  return nullptr;
}

}  // namespace

Result<RowMerge> RowMerge::open(const RunModel& run, const std::vector<JournalRange>& ranges, std::size_t memory_bytes,
                                bool with_summary) {
  RowMerge merge;
  const std::size_t piece_bytes = std::max(kPieceBytesMin, memory_bytes / std::max<std::size_t>(1, ranges.size()));
  for (const JournalRange& range : ranges) {
    const JournalModel* journal = find_journal(run, range.journal);
    if (journal == nullptr) return Status(Code::kCorrupt, run.id + ": journal " + range.journal.hex() + " is missing");
    if (range.first_sequence == 0) return Status(Code::kInvalidArgument, "sequence numbers count from 1");
    merge.cursors_.emplace_back(*journal, range, piece_bytes, with_summary);
  }
  std::sort(merge.cursors_.begin(), merge.cursors_.end(), [](const JournalCursor& left, const JournalCursor& right) {
    return merge_key(left.journal()) < merge_key(right.journal());
  });
  return merge;
}

Status RowMerge::fill() {
  for (JournalCursor& cursor : cursors_) {
    Status status = cursor.fill();
    if (!status.ok()) return status;
  }
  return {};
}

RowGroup RowMerge::next_group(const std::function<bool(const JournalCursor&)>& held) const {
  RowGroup group;
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    const CursorItem* head = cursors_[i].head();
    if (head == nullptr || held(cursors_[i])) continue;
    if (!group.empty() && head->row.step > group.step) continue;
    if (group.empty() || head->row.step < group.step) group = {.step = head->row.step, .members = {}};
    group.members.push_back(i);
  }
  return group;
}

void RowMerge::pop(const RowGroup& group) {
  for (const std::size_t member : group.members) cursors_[member].pop();
}

}  // namespace wb
