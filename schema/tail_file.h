// A tail: a head of 64 bytes, then frames, each at a multiple of 8 bytes. Written once, forward, by one keeper.
//
//   0  char magic[8] "wbtail0\n"
//   8  u16 version, u16 head bytes (64)
//  12  u32 compatible flags     unknown ones may be ignored
//  16  u32 incompatible flags   an unknown one: refuse, touch nothing
//  20  u32 file number          as in the file's name, from 0
//  24  u8  journal uuid[16]
//  40  u64 reserved[2]          0
//  56  u32 reserved             0
//  60  u32 crc32c               of bytes [0, 60)
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "schema/limits.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

inline constexpr std::size_t kTailHeadBytes = 64;
inline constexpr char kTailMagic[8] = {'w', 'b', 't', 'a', 'i', 'l', '0', '\n'};

struct TailHead {
  std::uint16_t version = kFormatVersion;
  std::uint32_t compatible_flags = 0;
  std::uint32_t incompatible_flags = 0;
  std::uint32_t file_number = 0;
  Uuid journal;
};

std::array<std::byte, kTailHeadBytes> encode_tail_head(const TailHead& head) noexcept;

/// kTruncated: fewer than 64 bytes, or all of them zero (the writer died here). kCorrupt: no tail, or changed.
/// kUnsupported: a newer version or an unknown incompatible flag.
Result<TailHead> decode_tail_head(std::span<const std::byte> bytes);

}  // namespace wb
