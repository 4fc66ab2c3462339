// Builds the one JSON line that a benchmark prints.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/support/samples.h"

namespace wb::bench {

/// A JSON object on one line, its members in the order in which they were added.
class JsonLine {
 public:
  JsonLine& add(std::string_view name, std::string_view text);
  JsonLine& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  JsonLine& add(std::string_view name, double number);  // Four significant digits; null if it is not finite.
  JsonLine& add(std::string_view name, const JsonLine& object);
  template <std::integral T>
  requires(!std::same_as<T, bool>) JsonLine& add(std::string_view name, T number) {
    return raw(name, std::to_string(number));
  }
  template <std::same_as<bool> T>
  JsonLine& add(std::string_view name, T flag) {
    return raw(name, flag ? "true" : "false");
  }

  std::string text() const { return "{" + members_ + "}"; }

 private:
  JsonLine& raw(std::string_view name, std::string_view json);
  std::string members_;
};

/// p50, p99, p99.9 and max in nanoseconds, and how many samples they rest on.
JsonLine times_ns(const Percentiles& times);

/// Prints the line; ends the program's work. Returns the exit code 0.
int print_line(const JsonLine& line);

/// Prints `{"name": ..., "error": ...}` and returns 1.
int print_failure(std::string_view name, std::string_view error);

}  // namespace wb::bench
