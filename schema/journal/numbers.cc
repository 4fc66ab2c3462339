// The mappings between numbers and integers, and the search for a quotient's scale.
#include "schema/journal/numbers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cfenv>
#include <cmath>
#include <numeric>
#include <utility>

namespace wb {
namespace {

constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
constexpr std::uint64_t kExponentMax = 0x7FF;
constexpr unsigned kDroppedBits = 52 - 23;             // Of a mantissa as float32.
constexpr std::uint64_t kBiasDifference = 1023 - 127;  // Exponents at or below it are denormal as float32.
constexpr double kIntegerMax = 9007199254740992.0;     // 2^53
constexpr double kDenominatorMax = 1 << 26;            // Two fractions below it never share a float64.
constexpr std::size_t kSampleMax = 32;
constexpr unsigned kFractionTermsMax = 32;

/// Rounding to nearest and denormals as IEEE 754 has them, whatever the host process has set for its threads.
class DefaultFloats {
 public:
  DefaultFloats() noexcept {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloats() { std::fesetenv(&before_); }
  DefaultFloats(const DefaultFloats&) = delete;
  DefaultFloats& operator=(const DefaultFloats&) = delete;

 private:
  std::fenv_t before_;
};

// Its own inverse: bits of a float as an int64 with the order of the numbers.
constexpr std::uint64_t ordered(std::uint64_t bits) noexcept {
  return bits ^ (static_cast<std::uint64_t>(static_cast<std::int64_t>(bits) >> 63) >> 1);
}

constexpr std::uint32_t ordered(std::uint32_t bits) noexcept {
  return bits ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(bits) >> 31) >> 1);
}

// By the bits alone: a conversion by the processor would change signalling NaN.
bool narrow(std::uint64_t bits, std::uint32_t& narrowed) noexcept {
  const std::uint64_t mantissa = bits & kMantissa;
  const std::uint64_t exponent = (bits >> 52) & kExponentMax;
  std::uint64_t magnitude = 0;
#ifndef WB_MUTANT_FLOAT32_NOT_LOSSLESS
  constexpr std::uint64_t kDropped = (std::uint64_t{1} << kDroppedBits) - 1;
#else
  constexpr std::uint64_t kDropped = 0;
#endif
  if (exponent > kBiasDifference && exponent < kBiasDifference + 0xFF) {
    if ((mantissa & kDropped) != 0) return false;
    magnitude = (exponent - kBiasDifference) << 23 | mantissa >> kDroppedBits;
  } else if (exponent == kExponentMax) {
    if ((mantissa & kDropped) != 0) return false;
    magnitude = std::uint64_t{0xFF} << 23 | mantissa >> kDroppedBits;
  } else if (exponent <= kBiasDifference && exponent + 23 > kBiasDifference) {  // A denormal float32.
    const std::uint64_t whole = mantissa | (kMantissa + 1);
    const std::uint64_t shift = kDroppedBits + 1 + kBiasDifference - exponent;
    if ((whole & ((std::uint64_t{1} << shift) - 1)) != 0) return false;
    magnitude = whole >> shift;
  } else if (exponent != 0 || mantissa != 0) {
    return false;
  }
  narrowed = static_cast<std::uint32_t>(bits >> 63 << 31 | magnitude);
  return true;
}

std::uint64_t widen(std::uint32_t bits) noexcept {
  const std::uint64_t sign = static_cast<std::uint64_t>(bits >> 31) << 63;
  const std::uint64_t exponent = (bits >> 23) & 0xFF;
  std::uint64_t mantissa = bits & 0x7FFFFF;
  if (exponent == 0xFF) return sign | kExponentMax << 52 | mantissa << kDroppedBits;
  if (exponent != 0) return sign | (exponent + kBiasDifference) << 52 | mantissa << kDroppedBits;
  if (mantissa == 0) return sign;
  const auto shift = static_cast<unsigned>(std::countl_zero(static_cast<std::uint32_t>(mantissa))) - 8;
  mantissa = (mantissa << shift) & 0x7FFFFF;
  return sign | (kBiasDifference + 1 - shift) << 52 | mantissa << kDroppedBits;
}

std::uint64_t quotient(std::int64_t k, double scale) noexcept {
  return std::bit_cast<std::uint64_t>(static_cast<double>(k) / scale);
}

// The k of value == k / scale.
bool is_quotient(std::uint64_t bits, double scale, std::uint64_t& k) noexcept {
  const double product = std::bit_cast<double>(bits) * scale;
  if (!(std::fabs(product) < kIntegerMax)) return false;  // Nor is a NaN.
  const auto nearest = static_cast<std::int64_t>(product + std::copysign(0.5, product));
  k = static_cast<std::uint64_t>(nearest);
  return quotient(nearest, scale) == bits;
}

bool map_value(MappingKind kind, double scale, std::uint64_t value, std::uint64_t& integer) noexcept {
  if (kind == MappingKind::kQuotient) return is_quotient(value, scale, integer);
  std::uint32_t narrowed = 0;
  if (!narrow(value, narrowed)) return false;
  integer = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(ordered(narrowed))});
  return true;
}

// The denominator of the simplest fraction that is `value`, by continued fractions; 0 if there is none that is small.
std::uint64_t denominator(double value) noexcept {
  value = std::fabs(value);
  double rest = value, p = 1, p_before = 0, q = 0, q_before = 1;
  for (unsigned term = 0; term < kFractionTermsMax; ++term) {
    const double whole = std::floor(rest);
    p_before = std::exchange(p, whole * p + p_before);
    q_before = std::exchange(q, whole * q + q_before);
    if (!(q <= kDenominatorMax) || !(p < kIntegerMax)) return 0;
    if (p / q == value) return static_cast<std::uint64_t>(q);
    rest = 1 / (rest - whole);
  }
  return 0;
}

// Up to kSampleMax finite values, spread over all.
std::vector<double> sample(std::span<const std::uint64_t> values) {
  std::vector<double> found;
  const std::size_t stride = (values.size() + kSampleMax - 1) / kSampleMax;
  for (std::size_t i = 0; i < values.size(); i += stride) {
    const double value = std::bit_cast<double>(values[i]);
    if (std::isfinite(value) && values[i] != std::bit_cast<std::uint64_t>(-0.0)) found.push_back(value);
  }
  return found;
}

// The least d for which all but `miss_max` samples are integers / 10^d; nothing if it takes too many digits.
std::optional<std::uint64_t> decimal_scale(const std::vector<double>& samples, std::size_t miss_max) noexcept {
  static constexpr std::uint64_t kScaleMax = 1'000'000'000'000;
  std::uint64_t scale = 1;
  std::size_t misses = 0;
  for (const double value : samples) {
    std::uint64_t k = 0, own = scale;
    const auto bits = std::bit_cast<std::uint64_t>(value);
    while (own <= kScaleMax && !is_quotient(bits, static_cast<double>(own), k)) own *= 10;
    if (own <= kScaleMax) {
      scale = own;
    } else if (++misses > miss_max) {
      return std::nullopt;
    }
  }
  return scale;
}

std::optional<std::uint64_t> fraction_scale(const std::vector<double>& samples, std::size_t miss_max) noexcept {
  std::uint64_t scale = 1;
  std::size_t misses = 0;
  for (const double value : samples) {
    std::uint64_t k = 0;
    if (is_quotient(std::bit_cast<std::uint64_t>(value), static_cast<double>(scale), k)) continue;
    const std::uint64_t own = denominator(value);
    const std::uint64_t both = own == 0 ? 0 : std::lcm(scale, own);
    if (both != 0 && both <= static_cast<std::uint64_t>(kDenominatorMax)) {
      scale = both;
    } else if (++misses > miss_max) {
      return std::nullopt;
    }
  }
  return scale;
}

}  // namespace

bool map_values(const Mapping& mapping, std::span<const std::uint64_t> values, std::span<std::uint64_t> integers,
                std::size_t exception_max, std::vector<Exception>& exceptions) {
  exceptions.clear();
  if (mapping.kind == MappingKind::kFloat64) {
    for (std::size_t i = 0; i < values.size(); ++i) integers[i] = ordered(values[i]);
    return true;
  }
  if (mapping.kind == MappingKind::kInteger) {
    if (mapping.scale == 1) {
      std::copy(values.begin(), values.end(), integers.begin());
      return true;
    }
    const auto scale = static_cast<std::int64_t>(mapping.scale);
    for (std::size_t i = 0; i < values.size(); ++i) {
      integers[i] = static_cast<std::uint64_t>(static_cast<std::int64_t>(values[i]) / scale);
    }
    return true;
  }
  const DefaultFloats environment;
  const auto scale = static_cast<double>(mapping.scale);
  std::uint64_t before = 0;
  bool has_before = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (map_value(mapping.kind, scale, values[i], integers[i])) {
      if (!has_before) std::fill_n(integers.begin(), i, integers[i]);
      has_before = true;
      before = integers[i];
      continue;
    }
    if (exceptions.size() == exception_max) return false;
    exceptions.push_back({static_cast<std::uint16_t>(i), values[i]});
    integers[i] = before;
  }
  return true;
}

void unmap_values(const Mapping& mapping, std::span<std::uint64_t> integers) {
  switch (mapping.kind) {
    case MappingKind::kInteger:
      if (mapping.scale != 1) {
        for (std::uint64_t& value : integers) value *= mapping.scale;
      }
      return;
    case MappingKind::kFloat64:
      for (std::uint64_t& value : integers) value = ordered(value);
      return;
    case MappingKind::kFloat32:
      for (std::uint64_t& value : integers) value = widen(ordered(static_cast<std::uint32_t>(value)));
      return;
    case MappingKind::kQuotient: {
      const DefaultFloats environment;
      const auto scale = static_cast<double>(mapping.scale);
      for (std::uint64_t& value : integers) value = quotient(static_cast<std::int64_t>(value), scale);
      return;
    }
  }
}

std::uint64_t common_divisor(std::span<const std::uint64_t> values) {
  std::uint64_t divisor = 0;
  for (const std::uint64_t value : values) {
    divisor = std::gcd(divisor, value >> 63 != 0 ? 0 - value : value);
    if (divisor == 1) break;
  }
  return divisor == 0 || divisor >> 63 != 0 ? 1 : divisor;
}

std::optional<std::uint64_t> find_quotient_scale(std::span<const std::uint64_t> values) {
  const DefaultFloats environment;
  const std::vector<double> samples = sample(values);
  const std::size_t miss_max = samples.size() / 16;
  if (samples.empty()) return std::nullopt;
  const auto decimal = decimal_scale(samples, miss_max);
  const auto fraction = fraction_scale(samples, miss_max);
  if (decimal && fraction) return std::min(*decimal, *fraction);
  return decimal ? decimal : fraction;
}

}  // namespace wb
