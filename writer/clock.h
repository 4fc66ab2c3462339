// The two clocks of a machine, read without a system call (vdso).
#pragma once

#include <cstdint>
#include <ctime>

namespace wb {

inline std::int64_t clock_ns(clockid_t clock) noexcept {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t monotonic_ns() noexcept {
  return clock_ns(CLOCK_MONOTONIC);
}

/// What to add to monotonic_ns() / 1000 for microseconds since 1970.
inline std::int64_t wall_offset_us() noexcept {
  return clock_ns(CLOCK_REALTIME) / 1000 - monotonic_ns() / 1000;
}

}  // namespace wb
