// Merged summary: summary records take effect where they stand in their journal.
#include "sync/merged_summary.h"

#include <optional>
#include <vector>

#include "sync/merged_rows.h"

namespace wb {

MergedEnd fold_merged_rows(const RunModel& run, SummaryFold& summary) {
  MergedEnd end;
  std::vector<std::optional<std::size_t>> places;  // In the summary, by number of the name.
  MergedRowVisitor visitor;
  visitor.row = [&](const MergedRow& row) {
    for (const LineField& field : row.fields) {
      if (field.name->number >= places.size()) places.resize(field.name->number + 1);
      std::optional<std::size_t>& place = places[field.name->number];
      if (!place) place = summary.place_of(field.name->text);
      summary.log(*place, field.value);
    }
    ++end.row_count;
    end.last_step = row.wire_step;
    end.timestamp_s = row.clock.timestamp_s;
    end.runtime_s = row.clock.runtime_s;
  };
  visitor.summary = [&](std::span<const Metric> entries) {
    for (const Metric& entry : entries) summary.set(entry.name, entry.value);
  };
  end.status = visit_merged_rows(run, visitor);
  return end;
}

}  // namespace wb
