// Environment variables as a function, so that what reads them can be tested without setting any.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace wb {

/// The value of a variable; nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// This process's variables, copied on each call. Not while another thread changes them, as with getenv().
inline Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* const value = std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

/// The first of the variables that is set to something; empty if none is.
inline std::string first_set(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (auto value = environment(name); value && !value->empty()) return *value;
  }
  return {};
}

/// A whole number from 0; nothing for any other text.
inline std::optional<std::int64_t> parse_count(std::string_view text) noexcept {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

/// The first of the variables that is set to a whole number.
inline std::optional<std::int64_t> first_count(const Environment& environment,
                                               std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto value = environment(name)) {
      if (const auto count = parse_count(*value)) return count;
    }
  }
  return std::nullopt;
}

}  // namespace wb
