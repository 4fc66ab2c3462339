// Merged summary: summary records take effect where they stand in their journal.
#include "sync/merged_summary.h"

#include "sync/line.h"
#include "sync/row_merge.h"

namespace wb {
namespace {

constexpr std::size_t kMemoryBytes = 32U << 20;

Status take_summary_records(RowMerge& merge, SummaryFold& summary) {
  for (JournalCursor& cursor : merge.cursors()) {
    Status status = cursor.fill();
    while (status.ok() && cursor.head() != nullptr && !cursor.head()->summary.empty()) {
      const Result<std::vector<Metric>> entries = decode_map(cursor.head()->summary);
      if (entries.ok()) {
        for (const Metric& entry : entries.value()) summary.set(entry.name, entry.value);
      }
      cursor.pop();
      status = cursor.fill();
    }
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace

MergedEnd fold_merged_rows(const RunModel& run, SummaryFold& summary) {
  MergedEnd end;
  std::vector<JournalRange> ranges;
  for (const JournalModel& journal : run.journals) ranges.push_back({.journal = journal.scan.journal});
  Result<RowMerge> merge = RowMerge::open(run, ranges, kMemoryBytes, /*with_summary=*/true);
  if (!merge.ok()) return end;
  while (take_summary_records(merge.value(), summary).ok()) {
    const RowGroup group = merge.value().next_group([](const JournalCursor&) { return false; });
    if (group.empty()) break;
    for (const LineField& field : line_fields(merge.value(), group)) summary.log(field.name, field.value);
    const LineClock clock = line_clock(merge.value(), group);
    end.timestamp_s = clock.timestamp_s;
    end.runtime_s = clock.runtime_s;
    end.last_step = next_wire_step(end.last_step, group.step);
    ++end.row_count;
    merge.value().pop(group);
  }
  return end;
}

}  // namespace wb
