// Merged rows: a whole run from start to end as it would go on the wire, nothing held back.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "sync/line.h"
#include "sync/run_model.h"

namespace wb {

/// One merged row, borrowed for the call.
struct MergedRow {
  std::span<const LineField> fields;
  LineClock clock;
  std::int64_t wire_step = 0;
};

struct MergedRowVisitor {
  std::function<void(const MergedRow&)> row;
  std::function<void(std::span<const Metric>)> summary;  ///< A summary record, where it stands; may be empty.
};

/// Reads the run's journals once. Fails as read_journal(); rows before the failure have been visited.
Status visit_merged_rows(const RunModel& run, const MergedRowVisitor& visitor);

}  // namespace wb
