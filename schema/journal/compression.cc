// zstd: one frame in, one frame out.
#include "schema/journal/compression.h"

#include <string>

namespace wb {
namespace {

constexpr std::size_t kDescriptorOffset = 4;  // Behind the magic number.
constexpr std::byte kChecksumFlag{4};
constexpr std::size_t kBlockHeadBytes = 8;  // At least what another block takes, incompressible or not.

}  // namespace

Result<Compressor> Compressor::create() {
  Compressor compressor;
  compressor.handle_.reset(ZSTD_createCCtx());
  ZSTD_CCtx* handle = compressor.handle_.get();
  if (handle == nullptr) return Status(Code::kIoError, "zstd: no memory");
  for (const auto& [parameter, value] :
       {std::pair{ZSTD_c_compressionLevel, kCompressionLevel}, {ZSTD_c_checksumFlag, 1}, {ZSTD_c_contentSizeFlag, 1}}) {
    if (ZSTD_isError(ZSTD_CCtx_setParameter(handle, parameter, value)) != 0) {
      return Status(Code::kInternal, "zstd: parameter");
    }
  }
  return compressor;
}

Result<std::span<const std::byte>> Compressor::compress(std::span<const std::byte> raw,
                                                        std::span<const std::size_t> cuts, int match_bytes_min) {
  ZSTD_CCtx* handle = handle_.get();
  frame_.resize(ZSTD_compressBound(raw.size()) + cuts.size() * kBlockHeadBytes);
  ZSTD_outBuffer to{frame_.data(), frame_.size(), 0};
  std::size_t left = ZSTD_CCtx_reset(handle, ZSTD_reset_session_only);
  if (ZSTD_isError(left) == 0) left = ZSTD_CCtx_setParameter(handle, ZSTD_c_minMatch, match_bytes_min);
  if (ZSTD_isError(left) == 0) left = ZSTD_CCtx_setPledgedSrcSize(handle, raw.size());
  ZSTD_inBuffer from{raw.data(), 0, 0};
  for (std::size_t i = 0; i <= cuts.size() && ZSTD_isError(left) == 0; ++i) {
    from.size = i < cuts.size() ? cuts[i] : raw.size();
    // The buffer has room for all, so that one call does.
    left = ZSTD_compressStream2(handle, &to, &from, i < cuts.size() ? ZSTD_e_flush : ZSTD_e_end);
  }
  if (ZSTD_isError(left) != 0) return Status(Code::kInternal, std::string("zstd: ") + ZSTD_getErrorName(left));
  if (left != 0) return Status(Code::kInternal, "zstd: no room");
  return std::span<const std::byte>(frame_).first(to.pos);
}

Result<Decompressor> Decompressor::create() {
  Decompressor decompressor;
  decompressor.handle_.reset(ZSTD_createDCtx());
  if (decompressor.handle_ == nullptr) return Status(Code::kIoError, "zstd: no memory");
  if (ZSTD_isError(ZSTD_DCtx_setParameter(decompressor.handle_.get(), ZSTD_d_windowLogMax, kWindowLogMax)) != 0) {
    return Status(Code::kInternal, "zstd: parameter");
  }
  return decompressor;
}

Result<std::vector<std::byte>> Decompressor::decompress(std::span<const std::byte> frame, std::size_t raw_bytes) {
  if (frame.size() <= kDescriptorOffset || ZSTD_getFrameContentSize(frame.data(), frame.size()) != raw_bytes) {
    return Status(Code::kCorrupt, "zstd content size");
  }
  if ((frame[kDescriptorOffset] & kChecksumFlag) == std::byte{0})
    return Status(Code::kCorrupt, "zstd checksum missing");
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
    return Status(Code::kCorrupt, "zstd frame size");
  }
  std::vector<std::byte> raw(raw_bytes);
  const std::size_t bytes = ZSTD_decompressDCtx(handle_.get(), raw.data(), raw.size(), frame.data(), frame.size());
  if (ZSTD_isError(bytes) != 0) return Status(Code::kCorrupt, std::string("zstd: ") + ZSTD_getErrorName(bytes));
  if (bytes != raw_bytes) return Status(Code::kCorrupt, "zstd content");
  return raw;
}

}  // namespace wb
