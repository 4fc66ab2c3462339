// The strict reader behind append_json_text: copies tokens, leaves white space out, stops at the first fault.
#include "sync/json.h"
#include "sync/text.h"

namespace wb {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Walks over one text. Each method consumes what it names and returns false if that does not stand there.
class JsonCopier {
 public:
  JsonCopier(std::string& out, std::string_view text) : out_(out), left_(text) {}

  bool whole_text() {
    if (!value(1)) return false;
    skip_space();
    return left_.empty();
  }

 private:
  bool value(int depth) {
    skip_space();
    if (left_.empty()) return false;
    switch (left_[0]) {
      case '{':
        return members('}', depth, true);
      case '[':
        return members(']', depth, false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      case 'N':
        return word("NaN");
      case 'I':
        return word("Infinity");
      default:
        return number();
    }
  }

  bool members(char close, int depth, bool named) {
    if (depth > kJsonDepthMax) return false;
    take(1);
    skip_space();
    if (next_is(close)) return take(1);
    while (true) {
      if (named) {
        skip_space();
        if (!next_is('"') || !string()) return false;
        skip_space();
        if (!next_is(':')) return false;
        take(1);
      }
      if (!value(depth + 1)) return false;
      skip_space();
      if (next_is(close)) return take(1);
      if (!next_is(',')) return false;
      take(1);
    }
  }

  bool string() {
    take(1);
    while (!left_.empty()) {
      const char c = left_[0];
      if (c == '"') return take(1);
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        if (!escape()) return false;
        continue;
      }
      const CodePoint point = decode_utf8(left_);
      if (point.bytes == 0) return false;
      take(point.bytes);
    }
    return false;
  }

  bool escape() {
    if (left_.size() < 2) return false;
    if (left_[1] != 'u') return std::string_view("\"\\/bfnrt").find(left_[1]) != std::string_view::npos && take(2);
    if (left_.size() < 6) return false;
    for (std::size_t i = 2; i < 6; ++i) {
      if (!is_hex(left_[i])) return false;
    }
    return take(6);
  }

  bool number() {
    if (next_is('-')) take(1);
    if (next_is('I')) return word("Infinity");
    if (next_is('0')) {
      take(1);
    } else if (!digits()) {
      return false;
    }
    if (next_is('.') && !(take(1) && digits())) return false;
    if (!next_is('e') && !next_is('E')) return true;
    take(1);
    if (next_is('+') || next_is('-')) take(1);
    return digits();
  }

  bool digits() {
    if (left_.empty() || !is_digit(left_[0])) return false;
    while (!left_.empty() && is_digit(left_[0])) take(1);
    return true;
  }

  bool word(std::string_view expected) { return left_.starts_with(expected) && take(expected.size()); }
  bool next_is(char c) const { return !left_.empty() && left_[0] == c; }

  bool take(std::size_t bytes) {
    out_.append(left_.substr(0, bytes));
    left_.remove_prefix(bytes);
    return true;
  }

  void skip_space() {
    while (!left_.empty() && std::string_view(" \t\r\n").find(left_[0]) != std::string_view::npos) {
      left_.remove_prefix(1);
    }
  }

  std::string& out_;
  std::string_view left_;
};

}  // namespace

bool append_json_text(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  if (JsonCopier(out, text).whole_text()) return true;
  out.resize(before);
  return false;
}

}  // namespace wb
