// Line: the rows of one group as one JSON object of the history.
#pragma once

#include <cstdint>
#include <string>

#include "sync/line_fields.h"
#include "sync/row_merge.h"

namespace wb {

/// What a line says when: the newest of its rows.
struct LineClock {
  double timestamp_s = 0;  ///< Wall clock.
  double runtime_s = 0;    ///< Since its journal's start, by the monotonic clock.
};
LineClock line_clock(const RowMerge& merge, const RowGroup& group);

/// The line. A group whose step is not above `last_step` carries its own as `wb/step`. `_timestamp` and `_runtime` that
/// a program logs itself replace ours, as in wandb. `fields` are those of this merge.
std::string encode_line(const RowMerge& merge, const RowGroup& group, std::int64_t last_step, LineFields& fields);

}  // namespace wb
