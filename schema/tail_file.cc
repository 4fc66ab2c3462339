// The head of a tail file.
#include "schema/tail_file.h"

#include <algorithm>
#include <string>

#include "schema/bytes.h"
#include "schema/crc32c.h"
#include "schema/limits.h"

namespace wb {

std::array<std::byte, kTailHeadBytes> encode_tail_head(const TailHead& head) noexcept {
  std::array<std::byte, kTailHeadBytes> bytes{};
  std::memcpy(bytes.data(), kTailMagic, sizeof kTailMagic);
  store_le(bytes.data() + 8, head.version);
  store_le(bytes.data() + 10, static_cast<std::uint16_t>(kTailHeadBytes));
  store_le(bytes.data() + 12, head.compatible_flags);
  store_le(bytes.data() + 16, head.incompatible_flags);
  store_le(bytes.data() + 20, head.file_number);
  std::memcpy(bytes.data() + 24, head.journal.bytes.data(), head.journal.bytes.size());
  store_le(bytes.data() + 60, crc32c(0, std::span(bytes).first(60)));
  return bytes;
}

Result<TailHead> decode_tail_head(std::span<const std::byte> bytes) {
  const auto zero = [](std::byte b) { return b == std::byte{0}; };
  if (bytes.size() < kTailHeadBytes) return Status(Code::kTruncated, "tail head");
  bytes = bytes.first(kTailHeadBytes);
  if (std::all_of(bytes.begin(), bytes.end(), zero)) return Status(Code::kTruncated, "tail head is all zero");
  if (std::memcmp(bytes.data(), kTailMagic, sizeof kTailMagic) != 0) return Status(Code::kCorrupt, "tail magic");
  if (load_le<std::uint32_t>(bytes.data() + 60) != crc32c(0, bytes.first(60))) {
    return Status(Code::kCorrupt, "tail head checksum");
  }
  TailHead head{.version = load_le<std::uint16_t>(bytes.data() + 8),
                .compatible_flags = load_le<std::uint32_t>(bytes.data() + 12),
                .incompatible_flags = load_le<std::uint32_t>(bytes.data() + 16),
                .file_number = load_le<std::uint32_t>(bytes.data() + 20),
                .journal = {}};
  std::memcpy(head.journal.bytes.data(), bytes.data() + 24, head.journal.bytes.size());
  if (head.version > kFormatVersion) {
    return Status(Code::kUnsupported, "tail format version " + std::to_string(head.version));
  }
  if (head.incompatible_flags != 0) return Status(Code::kUnsupported, "tail has an unknown incompatible feature");
  return head;
}

}  // namespace wb
