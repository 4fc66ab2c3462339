// The two clocks of a machine, read without a system call (vdso).
#pragma once

#include <cstdint>
#include <ctime>

#include "schema/record.h"

namespace wb {

inline std::int64_t clock_ns(clockid_t clock) noexcept {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t monotonic_ns() noexcept {
  return clock_ns(CLOCK_MONOTONIC);
}

/// Now by both clocks, as records carry it.
inline Timestamp timestamp_now() noexcept {
  const std::int64_t mono_ns = monotonic_ns();
  return {mono_ns, clock_ns(CLOCK_REALTIME) / 1000 - mono_ns / 1000};
}

}  // namespace wb
