// Mixed blocks: rows of many shapes, each of which is too rare for a block of its own.
//
// Raw bytes: u32 row count n, u32 key count k, u32 metric count c of all rows, u32 value columns m, u32 key word[k],
// u16 values of each column[m]; the six columns of RowHeads; a column with each row's number of metrics; per metric,
// row by row, a u16 (all low bytes, then all high bytes): its key's place among the key words less that of the metric
// before it in the row, 0 before the first, modulo 2^16; then m columns: the values, by key, then by row.
#pragma once

#include "schema/journal/block.h"

namespace wb {

/// True if a canonical row has no texts, so that it may go into a mixed block.
bool is_mixable(const Frame& row);

/// The metrics of a canonical row.
std::size_t metric_count(const Frame& row) noexcept;

/// The raw bytes of a mixed block. As for a rows block, but any canonical rows that are mixable, of 1 to
/// kMixedMetricsMax metrics in all.
RawBlock encode_mixed_block(std::span<const PlacedFrame> rows);

/// Fails as BlockReader::open().
Result<std::unique_ptr<BlockReader>> open_mixed_block(const BlockInfo& info, std::vector<std::byte> raw);

}  // namespace wb
