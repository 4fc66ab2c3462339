// Value: one logged value, borrowed for the call.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>

namespace wb {

/// The type of a logged value. The numbers stand on disk and in the C ABI and never change meaning.
enum class ValueType : std::uint8_t {
  kFloat64 = 0,
  kInt64 = 1,
  kUint64 = 2,
  kBool = 3,
  kString = 4,  ///< Bytes as given; UTF-8 is expected and not required.
  kJson = 5,    ///< JSON text; NaN, Infinity and -Infinity are allowed as bare tokens.
  kNull = 6,
  kRemoved = 7,  ///< In a summary map only: the key is deleted.
};

/// A scalar by value, or a text borrowed for the duration of the call. 16 bytes, trivially copyable.
class Value {
 public:
  constexpr Value() noexcept = default;
  template <std::floating_point T>
  constexpr Value(T number) noexcept  // NOLINT(google-explicit-constructor): log("loss", 0.5)
      : bits_(std::bit_cast<std::uint64_t>(static_cast<double>(number))), type_(ValueType::kFloat64) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) constexpr Value(T number) noexcept  // NOLINT(google-explicit-constructor)
      : bits_(static_cast<std::uint64_t>(number)),
        type_(std::signed_integral<T> || sizeof(T) < 8 ? ValueType::kInt64 : ValueType::kUint64) {}
  template <std::same_as<bool> T>
  constexpr Value(T flag) noexcept  // NOLINT(google-explicit-constructor)
      : bits_(flag ? 1 : 0), type_(ValueType::kBool) {}
  Value(std::string_view text) noexcept : Value(text, ValueType::kString) {}  // NOLINT(google-explicit-constructor)
  Value(const char* text) noexcept : Value(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)

  static Value json(std::string_view text) noexcept { return {text, ValueType::kJson}; }
  static constexpr Value null() noexcept { return of(ValueType::kNull, 0); }
  static constexpr Value removed() noexcept { return of(ValueType::kRemoved, 0); }
  /// Any scalar by its bits, as they stand on disk.
  static constexpr Value of(ValueType type, std::uint64_t bits) noexcept {
    Value value;
    value.bits_ = bits;
    value.type_ = type;
    return value;
  }

  constexpr ValueType type() const noexcept { return type_; }
  constexpr bool is_text() const noexcept { return type_ == ValueType::kString || type_ == ValueType::kJson; }
  /// The scalar's bits: float64 as IEEE 754, integers as two's complement, bool 0 or 1. 0 for texts and null.
  constexpr std::uint64_t bits() const noexcept { return is_text() ? 0 : bits_; }
  constexpr double as_double() const noexcept { return std::bit_cast<double>(bits_); }
  constexpr std::int64_t as_int64() const noexcept { return static_cast<std::int64_t>(bits_); }
  std::string_view text() const noexcept {
    return is_text() ? std::string_view(reinterpret_cast<const char*>(bits_), text_bytes_) : std::string_view();
  }

 private:
  Value(std::string_view text, ValueType type) noexcept
      : bits_(reinterpret_cast<std::uint64_t>(text.data())),
        text_bytes_(static_cast<std::uint32_t>(text.size() < UINT32_MAX ? text.size() : UINT32_MAX)),
        type_(type) {}

  std::uint64_t bits_ = 0;  // Scalar bits, or the address of a text.
  std::uint32_t text_bytes_ = 0;
  ValueType type_ = ValueType::kNull;
};

/// A named value: one entry of a row, a config, a summary.
struct Metric {
  std::string_view name;
  Value value;
};

/// The handle of a name that was interned by Run::key(). Valid for that run only.
struct Key {
  std::uint32_t index = 0;
};

/// A value under an interned name: the fast form of Metric.
struct KeyMetric {
  Key key;
  Value value;
};

}  // namespace wb
