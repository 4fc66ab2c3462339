// TailReader: one pass over the file through a window; behind damage, the search for the next frame.
#include "schema/journal/tail_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "schema/bytes.h"
#include "schema/journal/file.h"
#include "schema/limits.h"

namespace wb {
namespace {

constexpr std::size_t kMagicOffset = 16;  // In a frame.
constexpr std::size_t kSectorBytes = 512;
constexpr std::uint64_t kLoadBytes = 128 * 1024;  // Read at a time: little is read in vain where a reading stops.

// True if the bytes, which begin at `offset` in the file, end in zeros from a sector's border on: the file had grown,
// its last sectors had not come.
bool ends_in_empty_sectors(std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  std::uint64_t zeros_at = bytes.size();
  while (zeros_at > 0 && bytes[zeros_at - 1] == std::byte{0}) --zeros_at;
  const std::uint64_t sector_at = (offset + zeros_at + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
  return sector_at + 8 <= offset + bytes.size();
}

Status with_path(const std::string& path, const Status& status) {
  return {status.code(), path + ": " + status.message()};
}

}  // namespace

Result<std::unique_ptr<TailReader>> TailReader::open(const std::string& path, std::optional<std::uint32_t> salt,
                                                     std::uint64_t from_offset) {
  std::unique_ptr<TailReader> reader(new TailReader);
  reader->path_ = path;
  Result<Descriptor> file = open_regular(path, &reader->file_bytes_);
  if (!file.ok()) return file.status();
  if (reader->file_bytes_ > kTailFileBytesMax) {
    return Status(Code::kCorrupt, path + ": larger than " + std::to_string(kTailFileBytesMax) + " bytes");
  }
  reader->file_ = std::move(file).value();
  reader->load(kTailHeadBytes);
  if (!reader->status_.ok()) return reader->status_;
  const Status status = reader->start(salt);
  if (!status.ok()) return with_path(path, status);
  if (from_offset > reader->at_) {
    reader->at_ = reader->frame_offset_ = std::min(from_offset, reader->file_bytes_);
    reader->damage_.reset();
  }
  return reader;
}

Result<std::unique_ptr<TailReader>> TailReader::from_bytes(std::vector<std::byte> bytes,
                                                           std::optional<std::uint32_t> salt) {
  std::unique_ptr<TailReader> reader(new TailReader);
  reader->file_bytes_ = bytes.size();
  reader->window_ = std::move(bytes);
  Status status = reader->start(salt);
  if (!status.ok()) return status;
  return reader;
}

Status TailReader::start(std::optional<std::uint32_t> salt) {
  const Result<TailHead> head = decode_tail_head(window_);
  if (head.ok()) {
    head_ = head.value();
    salt_ = head.value().journal.salt();
    at_ = frame_offset_ = kTailHeadBytes;
    return {};
  }
  if (head.status().code() == Code::kUnsupported || !salt) return head.status();
  // The head is one frame's worth of damage: the salt also stands in the file's name.
  salt_ = *salt;
  const std::size_t head_bytes = std::min(kTailHeadBytes, window_.size());
  at_ = frame_offset_ = head_bytes;
  damage_ =
      TailDamage{.offset_bytes = 0, .bytes = head_bytes, .code = head.status().code(), .what = head.status().message()};
  return {};
}

// Makes the window hold that many bytes from at_ on, or all that the file has.
void TailReader::load(std::uint64_t bytes) {
  const std::uint64_t end = window_offset_ + window_.size();
  if (at_ + bytes <= end || end >= file_bytes_ || !status_.ok()) return;
  const std::uint64_t passed = std::min<std::uint64_t>(at_ - window_offset_, window_.size());
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(passed));
  window_offset_ = at_;
  std::size_t have = window_.size();
  window_.resize(std::min(file_bytes_ - at_, std::max(bytes, kLoadBytes)));
  while (have < window_.size()) {
    const ssize_t count =
        ::pread(file_.get(), window_.data() + have, window_.size() - have, static_cast<off_t>(at_ + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) status_ = file_status(path_, "read", errno);
    if (count <= 0) {
      window_.resize(have);
      file_bytes_ = at_ + have;
      return;
    }
    have += static_cast<std::size_t>(count);
  }
}

Result<Frame> TailReader::frame_here() {
  load(kFrameHeadBytes);
  const std::span<const std::byte> head = from(at_);
  if (head.size() >= kFrameHeadBytes) {
    load(frame_bytes(std::min<std::size_t>(load_le<std::uint32_t>(head.data()), kFramePayloadBytesMax)));
  }
  return read_frame(from(at_), salt_);
}

std::optional<std::uint64_t> TailReader::find_frame(std::uint64_t offset) {
  for (std::uint64_t at = offset; at + kFrameHeadBytes <= file_bytes_ && searched_bytes_ < kTailSearchBytesMax;
       at += 8) {
    const std::span<const std::byte> bytes = from(at);
    if (load_le<std::uint16_t>(bytes.data() + kMagicOffset) != kFrameMagic) continue;
    if (read_frame(bytes, salt_).ok()) return at;
    searched_bytes_ += std::min<std::size_t>(load_le<std::uint32_t>(bytes.data()), kFramePayloadBytesMax);
  }
  return std::nullopt;
}

std::optional<Frame> TailReader::next() {
  // Damage of the head is reported with the first frame.
  std::optional<TailDamage> head_damage;
  if (!head_ && frame_offset_ == at_ && at_ <= kTailHeadBytes) head_damage = std::move(damage_);
  damage_.reset();
  Result<Frame> frame = frame_here();
  if (!frame.ok()) {
    const std::uint64_t damage_at = at_;
    load(file_bytes_ - at_);
    if (!status_.ok()) return std::nullopt;
    const std::optional<std::uint64_t> found = find_frame(at_ + 8);
    const std::uint64_t end = found.value_or(file_bytes_);
    if (end > damage_at) {
      const bool torn = !found && ends_in_empty_sectors(from(damage_at), damage_at);
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
    frame = read_frame(from(at_), salt_);
  } else if (head_damage) {
    damage_ = std::move(head_damage);
  }
  frame_offset_ = at_;
  at_ += frame_bytes(frame.value().payload.size());
  return frame.value();
}

}  // namespace wb
