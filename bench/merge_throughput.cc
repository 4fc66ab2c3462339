// How fast 64 journals of one run, 100,000 points each, are found, read and merged into lines for a server, on one core
// (the merging of promise P6).
//
// `discover` reads every journal completely and rebuilds the run; `merge` reads them again, joins the rows of
// a step and writes the JSON lines. The files are in the page cache. Rates are points per second of processor time
// (all threads) and of wall time; the best of the rounds.
#include "bench/support/arguments.h"
#include "bench/support/journal_maker.h"
#include "bench/support/scratch.h"
#include "sync/row_stream.h"
#include "sync/run_model.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "merge_throughput";
constexpr double kPromisedPointsPerSecond = 10e6;

struct Rate {
  double points_per_cpu_s = 0;
  double points_per_wall_s = 0;

  void keep_best(const Stopwatch& watch, double points) {
    points_per_cpu_s = std::max(points_per_cpu_s, points / watch.cpu_s());
    points_per_wall_s = std::max(points_per_wall_s, points / watch.wall_s());
  }
  JsonLine line() const {
    JsonLine line;
    return line.add("points_per_cpu_s", points_per_cpu_s).add("points_per_wall_s", points_per_wall_s);
  }
};

struct Merged {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
};

Result<Merged> merge(const RunModel& run) {
  std::vector<JournalRange> ranges;
  for (const JournalModel& journal : run.journals) ranges.push_back({.journal = journal.scan.journal});
  auto stream = RowStream::open(run, std::move(ranges), -1, {.now_wall_us = run.last_wall_us + 60'000'000});
  if (!stream.ok()) return stream.status();
  Merged merged;
  while (true) {
    const auto batch = stream.value()->next();
    if (!batch.ok()) return batch.status();
    if (batch.value().parts.empty()) return merged;
    merged.lines += batch.value().lines.size();
    merged.bytes += batch.value().bytes;
  }
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const auto journals = static_cast<std::uint64_t>(arguments.number("journals", 64, 3));
  const auto rows = static_cast<std::size_t>(arguments.number("rows", 10'000, 200));
  const std::int64_t rounds = arguments.number("rounds", 3, 1);
  const ScratchDirectory scratch(arguments.text("directory", default_scratch_parent()));
  arguments.finish();

  if (const Status made = make_group(scratch.path(), "merge", journals, rows); !made.ok()) {
    return print_failure(kName, made.message());
  }
  const auto points = static_cast<double>(journals * rows * kMetricCount);
  Rate discovering, merging;
  Merged merged;
  std::uint64_t rows_found = 0;
  for (std::int64_t round = 0; round < rounds; ++round) {
    const Stopwatch discover_watch;
    const Discovery found = discover({scratch.path()});
    discovering.keep_best(discover_watch, points);
    if (found.runs.size() != 1 || !found.damage.empty() || !found.problems.empty()) {
      return print_failure(kName, "the run was not read as it was written");
    }
    rows_found = 0;
    for (const JournalModel& journal : found.runs[0].journals) rows_found += journal.row_count;
    const Stopwatch merge_watch;
    const auto result = merge(found.runs[0]);
    merging.keep_best(merge_watch, points);
    if (!result.ok()) return print_failure(kName, result.status().message());
    merged = result.value();
  }
  const std::uint64_t lost = journals * rows - rows_found;
  JsonLine line, ratio;
  ratio.add("discover", discovering.points_per_cpu_s / kPromisedPointsPerSecond);
  ratio.add("merge", merging.points_per_cpu_s / kPromisedPointsPerSecond);
  line.add("name", kName).add("promise", "P6").add("ratio", ratio);
  line.add("promised_points_per_s", kPromisedPointsPerSecond);
  line.add("discover", discovering.line()).add("merge", merging.line());
  line.add("lines", merged.lines).add("line_bytes", merged.bytes).add("drops", lost);
  print_line(line.add("parameters", arguments.parameters()));
  return lost == 0 && merged.lines > 0 ? 0 : 1;
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
