// JSON encoder: appends to a string, allocates nothing else.
#include "sync/json.h"

#include <charconv>
#include <cmath>

#include "sync/text.h"

namespace wb {
namespace {

constexpr double kWholeMax = 9007199254740992.0;  // 2^53: every whole number up to here is a float64.

template <typename T>
void append_chars(std::string& out, T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_escaped_ascii(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) {
    out += c;
    return;
  }
  out += "\\u00";
  out += kDigits[static_cast<unsigned char>(c) >> 4];
  out += kDigits[c & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_escaped_ascii(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    const CodePoint point = decode_utf8(text);
    out += point.bytes == 0 ? kReplacement : text.substr(0, point.bytes);
    text.remove_prefix(point.bytes == 0 ? 1 : point.bytes);
  }
  out += '"';
}

void append_json_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else if (value == std::trunc(value) && std::fabs(value) <= kWholeMax) {
    if (std::signbit(value)) out += '-';
    append_chars(out, static_cast<std::uint64_t>(std::fabs(value)));
  } else if (std::fabs(value) > kWholeMax) {
    // The shortest form may be all digits, which readers would take for an integer beyond int64.
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
  } else {
    append_chars(out, value);
  }
}

void append_json_int(std::string& out, std::int64_t value) {
  append_chars(out, value);
}
void append_json_uint(std::string& out, std::uint64_t value) {
  append_chars(out, value);
}

void append_json_value(std::string& out, const Value& value) {
  switch (value.type()) {
    case ValueType::kFloat64:
      return append_json_double(out, value.as_double());
    case ValueType::kInt64:
      return append_json_int(out, value.as_int64());
    case ValueType::kUint64:
      if (value.bits() <= INT64_MAX) return append_json_uint(out, value.bits());
      return append_json_double(out, static_cast<double>(value.bits()));
    case ValueType::kBool:
      out += value.bits() != 0 ? "true" : "false";
      return;
    case ValueType::kString:
      return append_json_string(out, value.text());
    case ValueType::kJson:
      if (!append_json_text(out, value.text())) append_json_string(out, value.text());
      return;
    case ValueType::kNull:
    case ValueType::kRemoved:
      break;
  }
  out += "null";
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string json_value(const Value& value) {
  std::string out;
  append_json_value(out, value);
  return out;
}

}  // namespace wb
