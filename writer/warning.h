// Messages for a person on stderr, "wb: ...", outside of the fast path and never often.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace wb {

/// Writes "wb: <text>\n" to stderr at once. May wait as long as stderr does.
void say(std::string_view text) noexcept;

/// Lets one message a minute through. Thread-safe.
class WarningGate {
 public:
  /// True at most once a minute.
  bool open(std::int64_t now_ns) noexcept {
    std::int64_t next = next_ns_.load(std::memory_order_relaxed);
    return now_ns >= next && next_ns_.compare_exchange_strong(next, now_ns + kIntervalNs, std::memory_order_relaxed);
  }

  /// The same text as say(), from a short thread of its own: the caller does not wait for stderr.
  static void say_aside(std::string text) noexcept;

 private:
  static constexpr std::int64_t kIntervalNs = 60'000'000'000;
  std::atomic<std::int64_t> next_ns_{0};  // Stored by the thread that warns.
};

}  // namespace wb
