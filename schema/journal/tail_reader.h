// Reads a tail: its frames in order, damaged places named and stepped over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

/// A tail as it was when it was opened, in memory.
class TailReader {
 public:
  /// Reads the file to its end as it is now. kNotFound, kPermission, kIoError, kUnsupported; kCorrupt: not a
  /// regular file, too large, or neither the head verifies nor `salt` (from the file's name) is given.
  static Result<std::unique_ptr<TailReader>> open(const std::string& path,
                                                  std::optional<std::uint32_t> salt = std::nullopt);
  /// The same over bytes that are there already.
  static Result<std::unique_ptr<TailReader>> from_bytes(std::vector<std::byte> bytes,
                                                        std::optional<std::uint32_t> salt = std::nullopt);

  /// Nothing if the head is damaged or was never written.
  const std::optional<TailHead>& head() const noexcept { return head_; }

  /// The next frame that verifies, or nothing at the end. The payload is valid as long as the reader.
  std::optional<Frame> next();

  /// Where the frame that next() gave begins; at the end: behind the last frame that verifies.
  std::uint64_t offset() const noexcept { return frame_offset_; }
  /// What next() stepped over before that frame. At the end: nothing, or what stands behind the last frame; then
  /// kTruncated is normal for a tail that is being written or whose keeper was killed.
  const std::optional<TailDamage>& damage() const noexcept { return damage_; }
  std::uint64_t bytes() const noexcept { return bytes_.size(); }

 private:
  explicit TailReader(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::optional<std::size_t> find_frame(std::size_t from);

  std::vector<std::byte> bytes_;
  std::optional<TailHead> head_;
  std::uint32_t salt_ = 0;
  std::size_t at_ = 0;
  std::size_t searched_bytes_ = 0;
  std::uint64_t frame_offset_ = 0;
  std::optional<TailDamage> damage_;
};

}  // namespace wb
