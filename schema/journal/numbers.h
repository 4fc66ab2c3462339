// Numbers as integers: how the 64-bit values of a column become integers that lie close together, and back, bit for
// bit.
//
// Each mapping is checked value by value when it is used for writing: a value that does not come back is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wb {

enum class MappingKind : std::uint8_t {
  kInteger,   ///< The value is integer * scale, modulo 2^64.
  kFloat64,   ///< The bits of a float64 in the order of the numbers.
  kFloat32,   ///< The bits of a float32 that is equal, in the order of the numbers.
  kQuotient,  ///< The float64 nearest to integer / scale: k right ones of n, and decimals with n = 10^d.
};

/// A mapping with its scale: above 0, and 1 for the kinds that have none.
struct Mapping {
  MappingKind kind = MappingKind::kInteger;
  std::uint64_t scale = 1;
};

inline constexpr std::uint64_t kQuotientScaleMax = std::uint64_t{1} << 53;  ///< A float64 holds it exactly.

/// A value that its column's mapping does not give back.
struct Exception {
  std::uint16_t row = 0;
  std::uint64_t value = 0;
};

/// Maps `values` to `integers` of the same size; an exception repeats the integer before it. False if there would be
/// more than `exception_max` exceptions; the results are then of no use.
bool map_values(const Mapping& mapping, std::span<const std::uint64_t> values, std::span<std::uint64_t> integers,
                std::size_t exception_max, std::vector<Exception>& exceptions);

/// Maps integers to values, in place. Takes any integers; a float32 uses the low 32 bits.
void unmap_values(const Mapping& mapping, std::span<std::uint64_t> integers);

/// The greatest common divisor of the values as int64; 1 if it is 2^63 or there is none.
std::uint64_t common_divisor(std::span<const std::uint64_t> values);

/// The smallest scale with which nearly all of some sampled float64 are quotients, if there is one.
std::optional<std::uint64_t> find_quotient_scale(std::span<const std::uint64_t> values);

}  // namespace wb
