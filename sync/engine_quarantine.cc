// Reads the `_step` of a refused line without parsing all of it: bare NaN would stop a JSON parser.
#include "sync/engine_quarantine.h"

#include <charconv>

namespace wb {

std::optional<std::int64_t> top_level_number(std::string_view line, std::string_view name) {
  int depth = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c != '"') continue;
    const std::size_t start = at + 1;
    for (++at; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\') ++at;
    }
    if (at >= line.size()) return std::nullopt;
    const bool is_key = depth == 1 && line.substr(at + 1).starts_with(':');
    if (!is_key || line.substr(start, at - start) != name) continue;
    std::int64_t number = 0;
    const char* digits = line.data() + at + 2;
    const auto [end, error] = std::from_chars(digits, line.data() + line.size(), number);
    if (error != std::errc()) return std::nullopt;
    return number;
  }
  return std::nullopt;
}

std::optional<std::string> quarantine_line(std::string_view refused_line) {
  const auto step = top_level_number(refused_line, "_step");
  if (!step.has_value()) return std::nullopt;
  return "{\"_step\":" + std::to_string(*step) + ",\"wb/quarantined\":true}";
}

}  // namespace wb
