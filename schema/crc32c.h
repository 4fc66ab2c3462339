// CRC32C (Castagnoli, RFC 3720 appendix B.4): hardware instruction where there is one, table otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wb {

/// Continues `crc` (0 to start) over `bytes`; crc32c(crc32c(0, a), b) == crc32c(0, ab). Any thread.
std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;

/// The table version, for machines without the instruction and for tests that compare the two.
std::uint32_t crc32c_portable(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;

}  // namespace wb
