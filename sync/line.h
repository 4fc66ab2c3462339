// Line: the rows of one group as one JSON object of the history.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/row_merge.h"

namespace wb {

/// What a line says when: the newest of its rows.
struct LineClock {
  double timestamp_s = 0;  ///< Wall clock.
  double runtime_s = 0;    ///< Since its journal's start, by the monotonic clock.
};
LineClock line_clock(const RowMerge& merge, const RowGroup& group);

/// A value under the name that it has on the line.
struct LineField {
  std::string name;
  Value value;  ///< Borrowed from the row.
};

/// The group's values, names resolved (origin_suffix()), keys "" left out as wandb does. `_step` and `wb/step` belong
/// to wbsync: a program's own value of that name goes as "user/_step", "user/wb/step".
std::vector<LineField> line_fields(const RowMerge& merge, const RowGroup& group);

/// The line. A group whose step is not above `last_step` carries its own as `wb/step`. `_timestamp` and `_runtime` that
/// a program logs itself replace ours, as in wandb.
std::string encode_line(const RowMerge& merge, const RowGroup& group, std::int64_t last_step);

}  // namespace wb
