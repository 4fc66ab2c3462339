// The two mixes of metrics.
#include "bench/support/workload.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace wb::bench {
namespace {

constexpr double kPi = 3.14159265358979323846;

double schedule(double at, double warm_up, double total) {
  if (at < warm_up) return 3e-4 * (at + 1) / warm_up;
  return 3e-5 + 1.35e-4 * (1 + std::cos(kPi * at / total));
}

// Kept out of line: inlined into make_rows(), GCC 12 at -O2 leaves the rounding out for two neighbouring metrics.
[[gnu::noinline]] double float32(double value) {
  return static_cast<double>(static_cast<float>(value));
}

// Values that only bits can tell apart; one in 4,000 rows has one.
double unusual(std::size_t row) {
  switch (row / 4'000 % 3) {
    case 0:
      return std::bit_cast<double>(std::uint64_t{0x7FF8'0000'DEAD'BEEF});
    case 1:
      return -0.0;
    default:
      return std::numeric_limits<double>::infinity();
  }
}

}  // namespace

const std::array<std::string, kMetricCount>& metric_names() {
  static const std::array<std::string, kMetricCount> kNames = {
      "train/loss", "train/acc",         "train/grad_norm", "lr",         "val/loss",
      "val/ppl",    "perf/tokens_per_s", "perf/step_ms",    "gpu/mem_gb", "epoch"};
  return kNames;
}

std::vector<Row> make_rows(Mix mix, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 1);
  std::exponential_distribution<double> exponential(1.0 / 6.0);
  std::uniform_real_distribution<double> uniform(0, 1);
  const double total = std::max<double>(static_cast<double>(count), 1'000);
  const double warm_up = total * 0.03;
  std::vector<Row> rows(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<double>(i);
    const double base = 1.8 + 9.0 * std::exp(-8 * at / total);
    const double loss = base + 0.08 * normal(random);
    const double accuracy = std::clamp(1 - loss / 11 + 0.01 * normal(random), 0.0, 0.999);
    const double norm = std::exp(0.4 * normal(random));
    const double val_loss = base + 0.05 + 0.01 * normal(random);
    const double step_ms = 212.0 + exponential(random);
    const double memory = std::round((61.2 + 0.3 * uniform(random)) * 10) / 10;
    const double epoch = at * 512 / 1281167;
    rows[i] = {loss,
               accuracy,
               norm,
               schedule(at, warm_up, total),
               val_loss,
               std::exp(std::min(val_loss, 20.0)),
               65536000.0 / step_ms,
               step_ms,
               memory,
               epoch};
    if (mix == Mix::kTraining) {
      rows[i][0] = float32(loss);
      rows[i][1] = std::round(accuracy * 256) / 256;  // Right answers of a batch of 256.
      rows[i][2] = i % 4'000 == 3'999 ? unusual(i) : float32(norm);
      rows[i][4] = float32(val_loss);
      rows[i][5] = float32(std::exp(std::min(val_loss, 20.0)));
      rows[i][6] = float32(65536000.0 / step_ms);
      rows[i][7] = std::round(step_ms * 1e6) / 1e6;  // A clock that counts nanoseconds.
    }
  }
  return rows;
}

std::vector<std::int64_t> make_gaps_ns(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> rest(1.0 / 6e6);
  std::vector<std::int64_t> gaps(count);
  for (std::int64_t& gap : gaps) gap = static_cast<std::int64_t>(212e6 + rest(random));
  return gaps;
}

}  // namespace wb::bench
