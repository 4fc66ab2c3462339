// Merged rows: the merge without hold-back, summary records let through as they come to the head.
#include "sync/merged_rows.h"

#include "sync/row_merge.h"

namespace wb {
namespace {

constexpr std::size_t kMemoryBytes = 64U << 20;

Status visit_summary_records(RowMerge& merge, const MergedRowVisitor& visitor) {
  for (JournalCursor& cursor : merge.cursors()) {
    Status status = cursor.fill();
    while (status.ok() && cursor.head() != nullptr && !cursor.head()->summary.empty()) {
      // One that does not decode was reported as damage when the journal was read for the model.
      const Result<std::vector<Metric>> entries = decode_map(cursor.head()->summary);
      if (entries.ok()) visitor.summary(entries.value());
      cursor.pop();
      status = cursor.fill();
    }
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace

Status visit_merged_rows(const RunModel& run, const MergedRowVisitor& visitor) {
  std::vector<JournalRange> ranges;
  for (const JournalModel& journal : run.journals) ranges.push_back({.journal = journal.scan.journal});
  Result<RowMerge> merge = RowMerge::open(run, ranges, kMemoryBytes, visitor.summary != nullptr);
  if (!merge.ok()) return merge.status();
  LineFields fields;
  std::int64_t last_step = -1;
  while (true) {
    Status status = visit_summary_records(merge.value(), visitor);
    if (!status.ok()) return status;
    const RowGroup group = merge.value().next_group([](const JournalCursor&) { return false; });
    if (group.empty()) return {};
    last_step = next_wire_step(last_step, group.step);
    visitor.row(
        {.fields = fields.of(merge.value(), group), .clock = line_clock(merge.value(), group), .wire_step = last_step});
    merge.value().pop(group);
  }
}

}  // namespace wb
