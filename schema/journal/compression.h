// zstd frames with checksum and content size: the only compressed bytes in a segment.
#pragma once

#include <zstd.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "wb/status.h"

namespace wb {

inline constexpr int kCompressionLevel = 3;
/// For planes of numbers: chance makes short repetitions in them that cost more than their bytes' codes.
inline constexpr int kNumbersMatchBytesMin = 7;
inline constexpr int kWindowLogMax = 23;  ///< 8 MiB: what reading may cost beside the block itself.

/// Belongs to one thread; its buffers are used again.
class Compressor {
 public:
  static Result<Compressor> create();
  /// The frame is valid until the next call. At the rising offsets `cuts` a zstd block ends, so that the bytes on
  /// both sides are coded apart. A repetition of fewer bytes than `match_bytes_min` is not looked for; 0: as zstd
  /// thinks.
  Result<std::span<const std::byte>> compress(std::span<const std::byte> raw, std::span<const std::size_t> cuts = {},
                                              int match_bytes_min = 0);

 private:
  struct Free {
    void operator()(ZSTD_CCtx* handle) const noexcept { ZSTD_freeCCtx(handle); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> handle_;
  std::vector<std::byte> frame_;
};

class Decompressor {
 public:
  static Result<Decompressor> create();
  /// Exactly `raw_bytes`, which the caller has checked against a limit. kCorrupt: no single zstd frame of that size
  /// with a checksum, or one that does not verify.
  Result<std::vector<std::byte>> decompress(std::span<const std::byte> frame, std::size_t raw_bytes);

 private:
  struct Free {
    void operator()(ZSTD_DCtx* handle) const noexcept { ZSTD_freeDCtx(handle); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> handle_;
};

}  // namespace wb
