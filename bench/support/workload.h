// Ten metrics a row, shaped like training: what the benchmarks log.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace wb::bench {

inline constexpr std::size_t kMetricCount = 10;
using Row = std::array<double, kMetricCount>;

enum class Mix {
  /// As training gives its metrics: float32 losses and norms, schedules, counts k/n, times counted in nanoseconds.
  /// Now and then a NaN with a payload, an infinity and a -0, as diverging runs log them.
  kTraining,
  /// The workload of peers.py: noise in all 52 bits of nearly every value. The worst case of real use.
  kNoise,
};

const std::array<std::string, kMetricCount>& metric_names();

/// The same rows for the same arguments.
std::vector<Row> make_rows(Mix mix, std::size_t count, std::uint64_t seed);

/// Times between rows in nanoseconds: steps of about 212 ms with an exponential rest, as a training loop has them.
std::vector<std::int64_t> make_gaps_ns(std::size_t count, std::uint64_t seed);

}  // namespace wb::bench
