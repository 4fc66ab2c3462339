// Text from journals and servers: UTF-8 checked, and made safe to show on a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wb {

/// One code point of UTF-8. `bytes` 0: what stands there is no UTF-8 (overlong, surrogate, cut off, stray byte).
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
};
CodePoint decode_utf8(std::string_view text) noexcept;

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD, for a byte that is no UTF-8.

/// `text` for one line of a terminal: control and escape characters and those that change the direction of writing
/// are left out, bytes that are no UTF-8 become U+FFFD. A hostile run name then cannot move the cursor.
std::string printable(std::string_view text);

/// Columns that printable() text takes: its code points.
std::size_t column_count(std::string_view text) noexcept;

}  // namespace wb
