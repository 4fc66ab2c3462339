// Status and Result: how every function of wbsync says what happened.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace wb {

/// What the caller can do next. The numbers are part of the C ABI (wb.h) and never change meaning.
enum class Code : std::uint8_t {
  kOk = 0,
  kInvalidArgument = 1,  ///< The call itself is wrong; repeating it does not help.
  kNotFound = 2,         ///< The file, run or program is not there.
  kExists = 3,           ///< It is there already and is left untouched.
  kPermission = 4,       ///< No right to read or write; change the rights or the path.
  kNoSpace = 5,          ///< No space, no inodes or over quota.
  kIoError = 6,          ///< The system refused for another reason; the message has it.
  kTimeout = 7,          ///< Not done in time, still going on; ask again.
  kTruncated = 8,        ///< The bytes end early: the writer stopped here. Normal for a tail.
  kCorrupt = 9,          ///< The bytes changed after they were written.
  kUnsupported = 10,     ///< A version or feature that this build does not know; nothing was touched.
  kFull = 11,            ///< No room in the ring; dropped and counted.
  kClosed = 12,          ///< The run has ended.
  kUnauthorized = 13,    ///< The server refused the key.
  kUnavailable = 14,     ///< The server or network is not there now; try again later.
  kRejected = 15,        ///< The server refused this content for good.
  kInternal = 16,        ///< A broken invariant; the part that saw it stopped.
};

/// The English name of a code, for messages and JSON: "ok", "no space", ...
constexpr std::string_view code_name(Code code) noexcept {
  constexpr std::string_view kNames[] = {
      "ok",        "invalid argument", "not found",   "exists",   "permission",  "no space",
      "i/o error", "timeout",          "truncated",   "corrupt",  "unsupported", "full",
      "closed",    "unauthorized",     "unavailable", "rejected", "internal"};
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

/// Ok, or a code to act on and a message that names the place. Copyable, immutable.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == Code::kOk; }
  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

/// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor): return value;
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor): return status;
    assert(!status_.ok());
  }

  bool ok() const noexcept { return value_.has_value(); }
  const Status& status() const noexcept { return status_; }
  T& value() & {
    assert(ok());
    return *value_;
  }
  const T& value() const& {
    assert(ok());
    return *value_;
  }
  T&& value() && {
    assert(ok());
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace wb
