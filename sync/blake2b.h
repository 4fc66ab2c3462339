// BLAKE2b-256 (RFC 7693): what the ledger remembers of content that must not change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wb {

using Digest = std::array<std::byte, 32>;

/// Hashes a sequence of parts. Use once: after finish() it must not be used again.
class Blake2b {
 public:
  Blake2b() noexcept;
  void update(std::span<const std::byte> bytes) noexcept;
  /// The part's length, then the part: "ab","c" and "a","bc" differ.
  void update_part(std::string_view part) noexcept;
  Digest finish() noexcept;

 private:
  static constexpr std::size_t kBlockBytes = 128;
  void compress(const std::byte* block, bool last) noexcept;

  std::array<std::uint64_t, 8> state_;
  std::array<std::byte, kBlockBytes> buffer_{};
  std::size_t buffered_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace wb
