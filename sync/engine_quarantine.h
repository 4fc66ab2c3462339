// What takes the place of a line that the server refuses for good.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wb {

/// The number at `name` on the top level of a line (one JSON object), or nothing.
std::optional<std::int64_t> top_level_number(std::string_view line, std::string_view name);

/// A row that says that the row of this `_step` was refused: a line must not leave a gap in the offsets.
std::optional<std::string> quarantine_line(std::string_view refused_line);

}  // namespace wb
