// JSON text as it goes on the wire: our own encoder, so that the same record gives the same bytes for ever.
//
// Numbers: the shortest digits that read back as the same float64; whole numbers up to 2^53 without point and exponent
// (3.0 is "3", -0.0 is "-0"). NaN, Infinity and -Infinity stand bare, as the W&B wire has them. Bytes that are no
// UTF-8 become U+FFFD.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wb/value.h"

namespace wb {

inline constexpr int kJsonDepthMax = 64;  ///< Nesting of a JSON text that is passed on as JSON.

/// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

void append_json_double(std::string& out, double value);
void append_json_int(std::string& out, std::int64_t value);
void append_json_uint(std::string& out, std::uint64_t value);

/// Appends an extended JSON text (bare NaN, Infinity, -Infinity allowed) without the white space between tokens, so
/// that it never breaks a line. False if it is not exactly one strict value of at most kJsonDepthMax levels in valid
/// UTF-8; `out` is then as before.
bool append_json_text(std::string& out, std::string_view text);

/// Appends any value. A JSON text that does not validate goes as a string; unsigned integers beyond int64 as float
/// like wandb's; removed as null.
void append_json_value(std::string& out, const Value& value);

std::string json_string(std::string_view text);
std::string json_value(const Value& value);

}  // namespace wb
