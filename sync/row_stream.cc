// Row stream: cuts the merge into batches and holds back what may still change.
#include "sync/row_stream.h"

#include <algorithm>
#include <utility>

#include "sync/line.h"
#include "sync/row_merge.h"

namespace wb {
namespace {

constexpr std::size_t kMemoryBytes = 64U << 20;  // Of rows read ahead, over all journals of the run.

bool is_live(const JournalModel& journal) {
  return journal.state == RunState::kRunning;
}

/// True while the journal may still bring a row of this step or below.
bool may_bring(const JournalCursor& cursor, std::int64_t step) {
  if (!is_live(cursor.journal())) return false;
  const CursorItem* head = cursor.head();
  if (head != nullptr) return head->row.open && head->row.step <= step;
  return cursor.journal().last_step < step;
}

void append_group(Batch& batch, RowMerge& merge, const RowGroup& group, LineFields& fields) {
  const std::int64_t last_step = batch.lines.empty() ? batch.previous_step : batch.last_step;
  batch.lines.push_back(encode_line(merge, group, last_step, fields));
  batch.bytes += batch.lines.back().size();
  batch.last_step = next_wire_step(last_step, group.step);
  merge.pop(group);
}

class MergedRowStream final : public RowStream {
 public:
  MergedRowStream(RowMerge merge, std::int64_t previous_step, const Options& options)
      : merge_(std::move(merge)), last_step_(previous_step), options_(options) {
    for (const JournalCursor& cursor : merge_.cursors()) covered_.push_back(cursor.first_sequence() - 1);
  }

  Result<Batch> next() override {
    Batch batch{.parts = {}, .previous_step = last_step_, .last_step = last_step_, .lines = {}};
    bool more = true;
    while (more && batch.bytes < options_.batch_bytes_max) {
      Status status = merge_.fill();
      if (!status.ok()) return status;
      const RowGroup group = ready_group();
      more = !group.empty();
      if (more) append_group(batch, merge_, group, fields_);
    }
    cover(batch, /*everything_read=*/!more);
    last_step_ = batch.last_step;
    return batch;
  }

 private:
  RowGroup ready_group() const {
    const RowGroup group = merge_.next_group(
        [](const JournalCursor& cursor) { return cursor.head()->row.open && is_live(cursor.journal()); });
    if (group.empty()) return group;
    const bool waits = std::any_of(merge_.cursors().begin(), merge_.cursors().end(),
                                   [&](const JournalCursor& cursor) { return may_bring(cursor, group.step); });
    return !waits || is_overdue(group) ? group : RowGroup{};
  }

  bool is_overdue(const RowGroup& group) const {
    return std::all_of(group.members.begin(), group.members.end(), [&](std::size_t member) {
      const Timestamp& time = merge_.cursors()[member].head()->row.time;
      return time.wall_us() <= options_.now_wall_us - options_.lag_us;
    });
  }

  void cover(Batch& batch, bool everything_read) {
    for (std::size_t i = 0; i < covered_.size(); ++i) {
      const JournalCursor& cursor = merge_.cursors()[i];
      const bool at_end = everything_read && cursor.head() == nullptr;
      // Records behind the last row (a finish, a summary) belong to the last batch.
      const std::uint64_t last = at_end ? cursor.end_sequence() : cursor.popped_sequence();
      if (last <= covered_[i]) continue;
      batch.parts.push_back({cursor.journal().scan.journal, covered_[i] + 1, last});
      covered_[i] = last;
    }
  }

  RowMerge merge_;
  LineFields fields_;
  std::int64_t last_step_;
  Options options_;
  std::vector<std::uint64_t> covered_;  // Per cursor: the last sequence number that a batch has covered.
};

}  // namespace

Result<std::unique_ptr<RowStream>> RowStream::open(const RunModel& run, std::vector<JournalRange> ranges,
                                                   std::int64_t previous_step, const Options& options) {
  Result<RowMerge> merge = RowMerge::open(run, ranges, kMemoryBytes, /*with_summary=*/false);
  if (!merge.ok()) return merge.status();
  return std::unique_ptr<RowStream>(
      std::make_unique<MergedRowStream>(std::move(merge).value(), previous_step, options));
}

Result<Batch> rebuild_batch(const RunModel& run, const std::vector<JournalRange>& parts, std::int64_t previous_step) {
  Result<RowMerge> merge = RowMerge::open(run, parts, kMemoryBytes, /*with_summary=*/false);
  if (!merge.ok()) return merge.status();
  for (const JournalRange& part : parts) {
    for (const JournalCursor& cursor : merge.value().cursors()) {
      if (cursor.journal().scan.journal != part.journal || cursor.end_sequence() == part.last_sequence) continue;
      return Status(Code::kCorrupt, cursor.journal().files.directory + "/" + cursor.journal().files.stem +
                                        ": records up to " + std::to_string(part.last_sequence) +
                                        " were assigned, but it ends at " + std::to_string(cursor.end_sequence()));
    }
  }
  LineFields fields;
  Batch batch{.parts = parts, .previous_step = previous_step, .last_step = previous_step, .lines = {}};
  while (true) {
    Status status = merge.value().fill();
    if (!status.ok()) return status;
    const RowGroup group = merge.value().next_group([](const JournalCursor&) { return false; });
    if (group.empty()) return batch;
    append_group(batch, merge.value(), group, fields);
  }
}

}  // namespace wb
