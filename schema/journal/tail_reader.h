// Reads a tail: its frames in order, damaged places named and stepped over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/frame.h"
#include "schema/tail_file.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

inline constexpr std::size_t kTailFileBytesMax = 256U << 20;  ///< kTailBytesMax and what a keeper may add to it.

/// Bytes that the search for frames behind damage may check in all: more means a file made to be slow.
inline constexpr std::size_t kTailSearchBytesMax = std::size_t{1} << 30;

/// Bytes of a tail that are no frames.
struct TailDamage {
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  Code code = Code::kCorrupt;  ///< kTruncated: the tail ends here, cut off or still being written.
  std::string what;
};

/// A tail as long as it was when it was opened. Read piece by piece; behind damage the rest of it is in memory.
class TailReader {
 public:
  /// kNotFound, kPermission, kIoError, kUnsupported; kCorrupt: not a regular file, too large, or neither the head
  /// verifies nor `salt` (from the file's name) is given. `from_offset`: where next() begins, an offset() of an earlier
  /// reading; 0: at the start.
  static Result<std::unique_ptr<TailReader>> open(const std::string& path,
                                                  std::optional<std::uint32_t> salt = std::nullopt,
                                                  std::uint64_t from_offset = 0);
  /// The same over bytes that are there already.
  static Result<std::unique_ptr<TailReader>> from_bytes(std::vector<std::byte> bytes,
                                                        std::optional<std::uint32_t> salt = std::nullopt);

  /// Nothing if the head is damaged or was never written.
  const std::optional<TailHead>& head() const noexcept { return head_; }

  /// The next frame that verifies, or nothing at the end. The payload is valid until the next call.
  std::optional<Frame> next();

  /// Where the frame that next() gave begins; at the end: behind the last frame that verifies.
  std::uint64_t offset() const noexcept { return frame_offset_; }
  /// What next() stepped over before that frame. At the end: nothing, or what stands behind the last frame; then
  /// kTruncated is normal for a tail that is being written or whose keeper was killed.
  const std::optional<TailDamage>& damage() const noexcept { return damage_; }
  /// Why next() ended before the end: the file could not be read on.
  const Status& status() const noexcept { return status_; }
  std::uint64_t bytes() const noexcept { return file_bytes_; }

 private:
  TailReader() = default;
  Status start(std::optional<std::uint32_t> salt);
  void load(std::uint64_t bytes);
  Result<Frame> frame_here();
  std::span<const std::byte> from(std::uint64_t offset) const {
    return std::span(window_).subspan(offset - window_offset_);
  }
  std::optional<std::uint64_t> find_frame(std::uint64_t offset);

  std::string path_;
  Descriptor file_;               // None: all bytes are in the window.
  std::uint64_t file_bytes_ = 0;  // As it was opened; less if it is shorter now.
  std::vector<std::byte> window_;
  std::uint64_t window_offset_ = 0;  // Of its first byte in the file.
  Status status_;
  std::optional<TailHead> head_;
  std::uint32_t salt_ = 0;
  std::uint64_t at_ = 0;
  std::size_t searched_bytes_ = 0;
  std::uint64_t frame_offset_ = 0;
  std::optional<TailDamage> damage_;
};

}  // namespace wb
