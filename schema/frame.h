// A frame: the checked unit in which records lie in the ring and in a tail, the same bytes in both.
//
//   0  u32 length     payload bytes, without head and padding
//   4  u32 crc32c     seeded with the journal's salt, over bytes [8, 24 + length) and then over `length` (4 bytes)
//   8  u64 sequence   contiguous from 1, counted apart for each source
//  16  u16 magic      0xF7B1
//  18  u8  kind       what the payload is (record.h)
//  19  u8  flags      bit 7: the source (0 trainer, 1 keeper); the others belong to the kind
//  20  u32 reserved   0
//  24  payload, then zero bytes up to a multiple of 8
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

inline constexpr std::size_t kFrameHeadBytes = 24;
inline constexpr std::uint16_t kFrameMagic = 0xF7B1;
inline constexpr std::uint8_t kFlagKeeper = 0x80;

/// Who counted the sequence number. Each source's numbers are contiguous from 1 within a journal.
enum class Source : std::uint8_t { kTrainer = 0, kKeeper = 1 };

/// The kind of a record. A number never changes meaning. Payloads: record.h and FORMAT.md.
enum class Kind : std::uint8_t {
  // From the trainer.
  kRun = 1,      ///< Map: identity and settings of the run; a later one changes the fields that it has.
  kKey = 2,      ///< u32 key index, then the name: announced before the key's first row.
  kRow = 3,      ///< One row, or a part of one.
  kConfig = 4,   ///< Map: top-level config values as they are from now on.
  kSummary = 5,  ///< Map: summary values set (or removed) by the user.
  kMetric = 6,   ///< Map: a define_metric.
  kFinish = 7,   ///< i32 exit code, u32 0, i64 mono_ns, i64 wall_offset_us.
  kConsole = 8,  ///< Map (recorded by a later capability; dumped and kept by this one, like all up to kException).
  kStats = 9,
  kChunk = 10,
  kFile = 11,
  kArtifact = 12,
  kAlert = 13,
  kMark = 14,
  kException = 15,
  // From the keeper (bit 7 of the flags is set).
  kGap = 64,          ///< Map: count, first_step, last_step of dropped rows.
  kHeartbeat = 65,    ///< i64 mono_ns, i64 wall_offset_us, u64 trainer sequence written so far.
  kDeath = 66,        ///< Map: the trainer ended without a finish record.
  kTailEnd = 67,      ///< u32 1 if the journal ends here, else 0 (the next tail goes on); u32 0.
  kSignal = 68,       ///< Map: a signal that the keeper received.
  kSnapshot = 69,     ///< Map: the run's fields so far, repeated at the head of each tail but the first.
  kKeySnapshot = 70,  ///< As kKey, repeated at the head of each tail but the first.
};

/// A decoded frame head with its payload, borrowed from the bytes it was read from.
struct Frame {
  Kind kind = Kind::kRun;
  std::uint8_t flags = 0;  ///< Without the source bit.
  Source source = Source::kTrainer;
  std::uint64_t sequence = 0;
  std::span<const std::byte> payload;
};

/// Bytes that a frame with this payload takes, padding included.
constexpr std::size_t frame_bytes(std::size_t payload_bytes) noexcept {
  return (kFrameHeadBytes + payload_bytes + 7) & ~std::size_t{7};
}

/// Completes the frame whose payload is already at `frame + kFrameHeadBytes`: writes padding, head and CRC.
/// `frame` has frame_bytes(payload_bytes) bytes. No allocation, no system call.
void seal_frame(std::byte* frame, std::size_t payload_bytes, Kind kind, std::uint8_t flags, std::uint64_t sequence,
                std::uint32_t salt) noexcept;

/// Reads the frame at the start of `bytes`. kTruncated: the bytes end inside it, or an all-zero head says that
/// the data end here. kCorrupt: they changed, or belong to another journal. Never reads behind `bytes`.
Result<Frame> read_frame(std::span<const std::byte> bytes, std::uint32_t salt);

}  // namespace wb
