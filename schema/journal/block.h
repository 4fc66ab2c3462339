// Blocks: many records as columns (rows of one shape) or one after the other (all else), for one zstd frame.
//
// Rows block, raw bytes: u32 row count n, u32 key count k, u32 key word[k], then 6 + k columns: ordinal,
// sequence - ordinal, flags, step, mono_ns, wall_offset_us, and one per key. Column: u8 codec, u32 bytes, bytes.
// Mixed block: rows of many shapes (mixed_block.h). Verbatim block, raw bytes, per record: u64 ordinal, u64 sequence,
// u32 payload bytes, u8 kind, u8 flags with the source bit, u16 0, payload. The ordinal is the record's place in the
// tail, from 0.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "schema/frame.h"
#include "schema/limits.h"
#include "wb/status.h"

namespace wb {

/// A number never changes meaning; mixed blocks came with version 1.
enum class BlockKind : std::uint8_t { kRows = 1, kVerbatim = 2, kMixed = 3 };

/// How a column lies in a rows block. A number never changes meaning.
enum class ColumnCodec : std::uint8_t {
  kRaw = 0,       ///< n values of 8 bytes.
  kConstant = 1,  ///< One value of 8 bytes for all rows.
  kShuffle = 2,   ///< n values of 8 bytes; all first bytes, then all second bytes, ...
  kDelta = 3,     ///< Differences to the value before (0 before the first), zigzag, then as kShuffle.
  kBytes = 4,     ///< n values below 256, a byte each.
  kTexts = 5,     ///< n lengths of 4 bytes, then the texts.
  // Since version 1; version 0 was written with kConstant, kShuffle, kDelta, kBytes and kTexts.
  kDictionary = 6,  ///< u16 m, m values of 8 bytes, n indices of a byte.
  kInteger = 7,     ///< Multiples of a scale; this and the following as numbers (FORMAT.md, "Numbers").
  kFloat64 = 8,     ///< The bits of float64 in the order of the numbers.
  kFloat32 = 9,     ///< The bits of float32 in the order of the numbers.
  kQuotient = 10,   ///< Integers divided by a scale.
};

/// A block's row in the table `blocks`, without its data. 0 and 0: no record of that source.
struct BlockInfo {
  BlockKind kind = BlockKind::kRows;
  std::uint64_t record_count = 0;
  std::uint64_t first_ordinal = 0;
  std::uint64_t last_ordinal = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t first_keeper_sequence = 0;
  std::uint64_t last_keeper_sequence = 0;
  std::uint64_t raw_bytes = 0;

  friend bool operator==(const BlockInfo&, const BlockInfo&) = default;
};

/// A record with its place in the tail. The payload is borrowed.
struct PlacedFrame {
  std::uint64_t ordinal = 0;
  Frame frame;
};

/// A block's raw bytes, the offsets in them where bytes of another distribution begin, and whether all are numbers.
struct RawBlock {
  std::vector<std::byte> bytes;
  std::vector<std::size_t> cuts;
  bool is_numbers = false;
};

/// True if RowEncoder gives back the same bytes: only such rows may go into a rows block.
bool is_canonical_row(const Frame& frame);

/// The raw bytes of a block. Ordinals rise. All frames of a rows block are canonical trainer rows with the same key
/// words and rising sequence numbers, at least one and at most kBlockRowsMax.
RawBlock encode_rows_block(std::span<const PlacedFrame> rows);
RawBlock encode_verbatim_block(std::span<const PlacedFrame> frames);

/// The block's row for the table: counts and ranges of `frames`.
BlockInfo block_info(BlockKind kind, std::span<const PlacedFrame> frames, std::size_t raw_bytes) noexcept;

/// A block's records, decoded from raw bytes that cannot be trusted.
class BlockReader {
 public:
  /// kCorrupt if the bytes do not fit, break a limit of limits.h or differ from `info`; kUnsupported: an unknown
  /// kind or codec. Keeps `raw`.
  static Result<std::unique_ptr<BlockReader>> open(const BlockInfo& info, std::vector<std::byte> raw);
  virtual ~BlockReader() = default;

  virtual std::size_t size() const noexcept = 0;
  virtual std::uint64_t ordinal(std::size_t i) const noexcept = 0;
  /// Record i; its payload is valid until the next call.
  virtual Frame frame(std::size_t i) = 0;
};

}  // namespace wb
