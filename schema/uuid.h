// A journal's identity: 128 random bits, drawn once by the process that opens it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace wb {

struct Uuid {
  std::array<std::byte, 16> bytes{};

  friend auto operator<=>(const Uuid&, const Uuid&) = default;

  /// The first four bytes: they seed every frame's CRC, so that a frame of another journal never verifies.
  std::uint32_t salt() const noexcept {
    return std::to_integer<std::uint32_t>(bytes[0]) | std::to_integer<std::uint32_t>(bytes[1]) << 8 |
           std::to_integer<std::uint32_t>(bytes[2]) << 16 | std::to_integer<std::uint32_t>(bytes[3]) << 24;
  }

  /// 32 lower-case hex digits; the first eight stand in file names.
  std::string hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::byte b : bytes) {
      text += kDigits[std::to_integer<unsigned>(b) >> 4];
      text += kDigits[std::to_integer<unsigned>(b) & 15];
    }
    return text;
  }
};

}  // namespace wb
