// JSON text of one flat or nested object.
#include "bench/support/json_line.h"

#include <cmath>
#include <cstdio>

namespace wb::bench {
namespace {

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return json + '"';
}

}  // namespace

JsonLine& JsonLine::raw(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_ += ", ";
  members_ += quoted(name) + ": ";
  members_ += json;
  return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::string_view text) {
  return raw(name, quoted(text));
}

JsonLine& JsonLine::add(std::string_view name, double number) {
  if (!std::isfinite(number)) return raw(name, "null");
  char text[40];
  std::snprintf(text, sizeof text, std::abs(number) >= 1000 ? "%.0f" : "%.4g", number);
  return raw(name, text);
}

JsonLine& JsonLine::add(std::string_view name, const JsonLine& object) {
  return raw(name, object.text());
}

JsonLine times_ns(const Percentiles& times) {
  JsonLine line;
  line.add("p50_ns", times.p50).add("p99_ns", times.p99).add("p999_ns", times.p999).add("max_ns", times.max);
  line.add("calls", times.count);
  return line;
}

int print_line(const JsonLine& line) {
  std::printf("%s\n", line.text().c_str());
  return 0;
}

int print_failure(std::string_view name, std::string_view error) {
  JsonLine line;
  print_line(line.add("name", name).add("error", error));
  return 1;
}

}  // namespace wb::bench
