// The number that a logged value is, for statistics.
#pragma once

#include <optional>

#include "wb/value.h"

namespace wb {

/// Nothing for booleans, texts, JSON and null. Integers beyond 2^53 lose their last digits.
inline std::optional<double> number_of(const Value& value) noexcept {
  switch (value.type()) {
    case ValueType::kFloat64:
      return value.as_double();
    case ValueType::kInt64:
      return static_cast<double>(value.as_int64());
    case ValueType::kUint64:
      return static_cast<double>(value.bits());
    default:
      return std::nullopt;
  }
}

}  // namespace wb
