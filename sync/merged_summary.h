// Merged summary: the summary of a run with several journals, over its rows as they are merged for the wire.
#pragma once

#include <cstdint>

#include "sync/run_model.h"
#include "sync/summary_fold.h"

namespace wb {

struct MergedEnd {
  std::uint64_t row_count = 0;
  std::int64_t last_step = -1;  ///< The wire's.
  double timestamp_s = 0;       ///< Of the last row.
  double runtime_s = 0;
  Status status;  ///< Why it stopped early, if it did; the figures are of the rows before.
};

/// Reads all rows once more, in merge order, nothing held back.
MergedEnd fold_merged_rows(const RunModel& run, SummaryFold& summary);

}  // namespace wb
