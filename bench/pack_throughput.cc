// How fast a ready tail becomes a segment, on one core (the packing half of promise P5).
//
// The frames of a tail lie in memory; they are checked, packed by SegmentWriter and written to a file, without fsync.
// Rates are points per second of processor time (all threads of this process) and of wall time; the best of the rounds.
#include "bench/support/arguments.h"
#include "bench/support/journal_maker.h"
#include "bench/support/scratch.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "pack_throughput";
constexpr double kPromisedPointsPerSecond = 2e6;

struct Rate {
  double points_per_cpu_s = 0;
  double points_per_wall_s = 0;
  double bytes_per_point = 0;
};

Result<Rate> measure(Mix mix, std::size_t row_count, std::int64_t rounds, const std::string& parent) {
  const Uuid journal = uuid_of(1);
  const std::vector<std::byte> frames =
      make_tail_frames(journal, "pack", make_rows(mix, row_count, 1), make_gaps_ns(row_count, 2));
  const auto points = static_cast<double>(row_count * kMetricCount);
  Rate best;
  for (std::int64_t round = 0; round < rounds; ++round) {
    const ScratchDirectory scratch(parent);
    const Stopwatch watch;
    const auto packed = pack_frames(frames, journal, scratch.path() + "/packed.wbj");
    const double cpu_s = watch.cpu_s(), wall_s = watch.wall_s();
    if (!packed.ok()) return packed.status();
    best.points_per_cpu_s = std::max(best.points_per_cpu_s, points / cpu_s);
    best.points_per_wall_s = std::max(best.points_per_wall_s, points / wall_s);
    best.bytes_per_point = static_cast<double>(bytes_below(scratch.path())) / points;
  }
  return best;
}

JsonLine describe(const Rate& rate) {
  JsonLine line;
  line.add("points_per_cpu_s", rate.points_per_cpu_s).add("points_per_wall_s", rate.points_per_wall_s);
  return line.add("bytes_per_point", rate.bytes_per_point);
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const auto rows = static_cast<std::size_t>(arguments.number("rows", 300'000, 2'000));
  const std::int64_t rounds = arguments.number("rounds", 5, 1);
  const std::string parent = arguments.text("directory", default_scratch_parent());
  arguments.finish();

  const auto training = measure(Mix::kTraining, rows, rounds, parent);
  if (!training.ok()) return print_failure(kName, training.status().message());
  const auto noise = measure(Mix::kNoise, rows, rounds, parent);
  if (!noise.ok()) return print_failure(kName, noise.status().message());
  JsonLine line, ratio;
  ratio.add("training", training.value().points_per_cpu_s / kPromisedPointsPerSecond);
  ratio.add("noise", noise.value().points_per_cpu_s / kPromisedPointsPerSecond);
  line.add("name", kName).add("promise", "P5").add("ratio", ratio);
  line.add("promised_points_per_s", kPromisedPointsPerSecond);
  line.add("training", describe(training.value())).add("noise", describe(noise.value())).add("drops", 0);
  return print_line(line.add("parameters", arguments.parameters()));
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
