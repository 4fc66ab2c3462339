// TailReader: one pass over the bytes; behind damage, the search for the next frame.
#include "schema/journal/tail_reader.h"

#include <algorithm>

#include "schema/bytes.h"
#include "schema/journal/file.h"
#include "schema/limits.h"

namespace wb {
namespace {

constexpr std::size_t kMagicOffset = 16;  // In a frame.
constexpr std::size_t kSectorBytes = 512;

// True if the bytes end in zeros from a sector's border on: the file had grown, its last sectors had not come.
bool ends_in_empty_sectors(std::span<const std::byte> bytes, std::size_t from) noexcept {
  std::size_t zeros_at = bytes.size();
  while (zeros_at > from && bytes[zeros_at - 1] == std::byte{0}) --zeros_at;
  const std::size_t sector_at = (zeros_at + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
  return sector_at + 8 <= bytes.size();
}

Status with_path(const std::string& path, const Status& status) {
  return {status.code(), path + ": " + status.message()};
}

}  // namespace

Result<std::unique_ptr<TailReader>> TailReader::open(const std::string& path, std::optional<std::uint32_t> salt) {
  Result<std::vector<std::byte>> bytes = read_file(path, kTailFileBytesMax);
  if (!bytes.ok()) return bytes.status();
  Result<std::unique_ptr<TailReader>> reader = from_bytes(std::move(bytes).value(), salt);
  if (!reader.ok()) return with_path(path, reader.status());
  return reader;
}

Result<std::unique_ptr<TailReader>> TailReader::from_bytes(std::vector<std::byte> bytes,
                                                           std::optional<std::uint32_t> salt) {
  std::unique_ptr<TailReader> reader(new TailReader(std::move(bytes)));
  const Result<TailHead> head = decode_tail_head(reader->bytes_);
  if (head.ok()) {
    reader->head_ = head.value();
    reader->salt_ = head.value().journal.salt();
    reader->at_ = reader->frame_offset_ = kTailHeadBytes;
    return reader;
  }
  if (head.status().code() == Code::kUnsupported || !salt) return head.status();
  // The head is one frame's worth of damage: the salt also stands in the file's name.
  reader->salt_ = *salt;
  const std::size_t head_bytes = std::min(kTailHeadBytes, reader->bytes_.size());
  reader->at_ = reader->frame_offset_ = head_bytes;
  reader->damage_ =
      TailDamage{.offset_bytes = 0, .bytes = head_bytes, .code = head.status().code(), .what = head.status().message()};
  return reader;
}

std::optional<std::size_t> TailReader::find_frame(std::size_t from) {
  const std::span<const std::byte> bytes(bytes_);
  for (std::size_t at = from; at + kFrameHeadBytes <= bytes.size() && searched_bytes_ < kTailSearchBytesMax; at += 8) {
    if (load_le<std::uint16_t>(bytes.data() + at + kMagicOffset) != kFrameMagic) continue;
    if (read_frame(bytes.subspan(at), salt_).ok()) return at;
    searched_bytes_ += std::min<std::size_t>(load_le<std::uint32_t>(bytes.data() + at), kFramePayloadBytesMax);
  }
  return std::nullopt;
}

std::optional<Frame> TailReader::next() {
  // Damage of the head is reported with the first frame.
  std::optional<TailDamage> head_damage;
  if (!head_ && frame_offset_ == at_ && at_ <= kTailHeadBytes) head_damage = std::move(damage_);
  damage_.reset();
  const std::span<const std::byte> bytes(bytes_);
  Result<Frame> frame = read_frame(bytes.subspan(at_), salt_);
  if (!frame.ok()) {
    const std::size_t damage_at = at_;
    const std::optional<std::size_t> found = find_frame(at_ + 8);
    const std::size_t end = found.value_or(bytes.size());
    if (end > damage_at) {
      const bool torn = !found && ends_in_empty_sectors(bytes, damage_at);
      damage_ = TailDamage{.offset_bytes = damage_at,
                           .bytes = end - damage_at,
                           .code = frame.status().code(),
                           .what = frame.status().message()};
      // In the middle of a tail zeros are a hole; at its end a torn frame is a write that had not come to its end.
      if (found) damage_->code = Code::kCorrupt;
      if (torn) damage_->code = Code::kTruncated;
    }
    if (head_damage) {
      head_damage->bytes = end - head_damage->offset_bytes;
      damage_ = std::move(head_damage);
    }
    at_ = frame_offset_ = damage_at;
    if (!found) return std::nullopt;
    at_ = *found;
    frame = read_frame(bytes.subspan(at_), salt_);
  } else if (head_damage) {
    damage_ = std::move(head_damage);
  }
  frame_offset_ = at_;
  at_ += frame_bytes(frame.value().payload.size());
  return frame.value();
}

}  // namespace wb
