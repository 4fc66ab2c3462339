// Frames: the one place that computes and checks their CRC.
#include "schema/frame.h"

#include "schema/bytes.h"
#include "schema/crc32c.h"
#include "schema/limits.h"

namespace wb {
namespace {

std::uint32_t frame_crc(const std::byte* frame, std::size_t payload_bytes, std::uint32_t salt) noexcept {
  const std::uint32_t body = crc32c(salt, {frame + 8, kFrameHeadBytes - 8 + payload_bytes});
  return crc32c(body, {frame, 4});  // The length last, so that one run of the loop covers the rest.
}

}  // namespace

void seal_frame(std::byte* frame, std::size_t payload_bytes, Kind kind, std::uint8_t flags, std::uint64_t sequence,
                std::uint32_t salt) noexcept {
  assert(payload_bytes <= kFramePayloadBytesMax);
  const std::size_t end = kFrameHeadBytes + payload_bytes;
  for (std::size_t at = end; at < frame_bytes(payload_bytes); ++at) frame[at] = std::byte{0};
  store_le(frame, static_cast<std::uint32_t>(payload_bytes));
  store_le(frame + 8, sequence);
  // Magic, kind, flags and the reserved word in one store: the CRC reads eight bytes at once, and would wait for
  // smaller stores to leave the processor's store buffer.
  store_le(frame + 16, std::uint64_t{kFrameMagic} | static_cast<std::uint64_t>(kind) << 16 |
                           static_cast<std::uint64_t>(flags) << 24);
  store_le(frame + 4, frame_crc(frame, payload_bytes, salt));
}

Result<Frame> read_frame(std::span<const std::byte> bytes, std::uint32_t salt) {
  if (bytes.size() < kFrameHeadBytes) return Status(Code::kTruncated, "frame head");
  const auto length = load_le<std::uint32_t>(bytes.data());
  const auto magic = load_le<std::uint16_t>(bytes.data() + 16);
  if (magic != kFrameMagic) {
    for (const std::byte b : bytes.first(kFrameHeadBytes)) {
      if (b != std::byte{0}) return Status(Code::kCorrupt, "frame magic");
    }
    return Status(Code::kTruncated, "end of data");
  }
  if (length > kFramePayloadBytesMax) return Status(Code::kCorrupt, "frame length");
#ifdef WB_MUTANT_MISSING_END_OF_DATA_RULE
  if (bytes.size() < frame_bytes(length)) return Status(Code::kCorrupt, "frame payload");
#else
  if (bytes.size() < frame_bytes(length)) return Status(Code::kTruncated, "frame payload");
#endif
  if (load_le<std::uint32_t>(bytes.data() + 4) != frame_crc(bytes.data(), length, salt)) {
    return Status(Code::kCorrupt, "frame checksum");
  }
  // Padding and the reserved word are zero, so that every bit of the frame is checked.
  for (const std::byte b : bytes.subspan(kFrameHeadBytes + length, frame_bytes(length) - kFrameHeadBytes - length)) {
    if (b != std::byte{0}) return Status(Code::kCorrupt, "frame padding");
  }
  const auto flags = load_le<std::uint8_t>(bytes.data() + 19);
  return Frame{.kind = static_cast<Kind>(load_le<std::uint8_t>(bytes.data() + 18)),
               .flags = static_cast<std::uint8_t>(flags & ~kFlagKeeper),
               .source = (flags & kFlagKeeper) != 0 ? Source::kKeeper : Source::kTrainer,
               .sequence = load_le<std::uint64_t>(bytes.data() + 8),
               .payload = bytes.subspan(kFrameHeadBytes, length)};
}

}  // namespace wb
