// Percentiles, processor time, and the calibration of the tick counter.
#include "bench/support/samples.h"

#include <time.h>

#include <chrono>

namespace wb::bench {
namespace {

double seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

Stopwatch::Stopwatch() : wall_start_s_(seconds(CLOCK_MONOTONIC)), cpu_start_s_(seconds(CLOCK_PROCESS_CPUTIME_ID)) {}
double Stopwatch::wall_s() const {
  return seconds(CLOCK_MONOTONIC) - wall_start_s_;
}
double Stopwatch::cpu_s() const {
  return seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_s_;
}

double ticks_per_ns() {
  using std::chrono::steady_clock;
  const auto start = steady_clock::now();
  const std::uint64_t start_ticks = ticks();
  auto now = start;
  while (now - start < std::chrono::milliseconds(20)) now = steady_clock::now();
  const auto passed_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now - start).count();
  return static_cast<double>(ticks() - start_ticks) / static_cast<double>(passed_ns);
}

std::uint64_t empty_ticks() {
  std::vector<std::uint64_t> samples(10'001);
  for (std::uint64_t& sample : samples) {
    const std::uint64_t start = ticks();
    sample = ticks() - start;
  }
  std::nth_element(samples.begin(), samples.begin() + 5'000, samples.end());
  return samples[5'000];
}

Percentiles percentiles(std::span<double> samples) {
  Percentiles result;
  result.count = samples.size();
  if (samples.empty()) return result;
  std::sort(samples.begin(), samples.end());
  const auto pick = [&](double fraction) {
    return samples[std::min(samples.size() - 1,
                            static_cast<std::size_t>(fraction * static_cast<double>(samples.size())))];
  };
  result.p50 = pick(0.5);
  result.p99 = pick(0.99);
  result.p999 = pick(0.999);
  result.max = samples.back();
  return result;
}

double median(std::span<double> samples) {
  return percentiles(samples).p50;
}

}  // namespace wb::bench
