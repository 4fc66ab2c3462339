// Every limit of the bytes on disk and in shared memory, by name. FORMAT.md, "Limits", explains them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wb {

inline constexpr std::uint16_t kFormatVersion = 1;

// Frames and records.
inline constexpr std::size_t kFramePayloadBytesMax = 272 * 1024;  // A chunk of 256 KiB and its head.
inline constexpr std::size_t kScalarRecordBytesMax = 64 * 1024;   // Rows; a larger row travels in parts.
inline constexpr std::size_t kChunkBytesMax = 256 * 1024;
inline constexpr std::size_t kKeyBytesMax = 4096;        // A metric's name.
inline constexpr std::uint32_t kKeyCountMax = 1U << 28;  // A key index has 28 bits in a row's key word.

// Ring.
inline constexpr std::size_t kRingBytesDefault = 8U << 20;
inline constexpr std::size_t kRingBytesMin = 1U << 20;
inline constexpr std::size_t kRingBytesMax = 1U << 30;
inline constexpr std::size_t kRingReservedBytes = 64 * 1024;  // Kept free for control records.

// Tails and segments.
inline constexpr std::size_t kTailBytesMax = 64U << 20;      // Then the keeper starts the next tail.
inline constexpr std::size_t kBlockRowsMax = 4096;           // Rows of one shape in one block.
inline constexpr std::size_t kBlockRowsMin = 16;             // Fewer rows of a shape travel as plain frames.
inline constexpr std::size_t kBlockBytesMax = 64U << 20;     // Raw bytes of a block; checked before allocating.
inline constexpr std::uint32_t kMixedMetricsMax = 1U << 18;  // Of all rows of a mixed block.
inline constexpr std::uint32_t kMixedKeysMax = 1U << 16;
inline constexpr std::size_t kFileNumberMax = 999'999;
inline constexpr std::size_t kRunIdFileBytesMax = 128;  // Of a run id inside a file name.

}  // namespace wb
