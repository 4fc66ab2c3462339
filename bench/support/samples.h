// Clocks of the benchmarks, with the percentiles of what they measure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <chrono>
#endif

namespace wb::bench {

/// A serialised reading of the time stamp counter: nothing before it is still going on, nothing behind it has begun.
/// Elsewhere the steady clock in nanoseconds.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  unsigned processor = 0;
  const std::uint64_t now = __rdtscp(&processor);
  _mm_lfence();
  return now;
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

/// Measures over 20 ms how many ticks a nanosecond has.
double ticks_per_ns();

/// The median of what two readings in a row differ by: taken off each sample.
std::uint64_t empty_ticks();

struct Percentiles {
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
  std::size_t count = 0;
};

/// Sorts `samples`. All zero if there is none.
Percentiles percentiles(std::span<double> samples);

/// The median; sorts `samples`.
double median(std::span<double> samples);

/// Seconds since it was made: of the wall clock, and of the processor in all threads of this process.
class Stopwatch {
 public:
  Stopwatch();
  double wall_s() const;
  double cpu_s() const;

 private:
  double wall_start_s_;
  double cpu_start_s_;
};

}  // namespace wb::bench
