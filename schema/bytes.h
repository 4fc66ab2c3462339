// Little-endian loads and stores on byte spans, and a bounds-checked cursor over hostile bytes.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace wb {

static_assert(std::endian::native == std::endian::little, "the ring is shared memory in little-endian order");

template <typename T>
T load_le(const std::byte* from) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void store_le(std::byte* to, T value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof value);
}

inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::size_t round_up_8(std::size_t bytes) noexcept {
  return (bytes + 7) & ~std::size_t{7};
}

/// Reads forward over bytes that cannot be trusted. Once a read does not fit, ok() is false for good and
/// every later read gives zero or an empty span.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  template <typename T>
  T read() noexcept {
    const auto raw = take(sizeof(T));
    return raw.empty() ? T{} : load_le<T>(raw.data());
  }

  std::span<const std::byte> take(std::size_t count) noexcept {
    if (!ok_ || count > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }

  bool ok() const noexcept { return ok_; }
  std::size_t left() const noexcept { return ok_ ? bytes_.size() - at_ : 0; }
  std::size_t offset() const noexcept { return at_; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace wb
