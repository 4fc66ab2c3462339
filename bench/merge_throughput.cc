// How fast 64 journals of one run, 100,000 points each, are found, read and merged into lines for a server, on one core
// (the merging of promise P6).
//
// `discover` reads every journal completely and rebuilds the run; `merge` reads them again, joins the rows of
// a step and writes the JSON lines. `digits` is the floor of the lines: the shortest digits of as many numbers of the
// same kind, by std::to_chars, and nothing else. The files are in the page cache. Rates are points per second of
// processor time (all threads) and of wall time; the best of the rounds.
#include <charconv>

#include "bench/support/arguments.h"
#include "bench/support/journal_group.h"
#include "bench/support/samples.h"
#include "sync/freed_memory.h"
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

/// Formats the numbers of one journal as often as there are journals.
Rate measure_digits(const JournalGroup& group) {
  const std::vector<Row> rows = make_rows(Mix::kTraining, group.rows(), 1);
  Rate rate;
  for (std::int64_t round = 0; round < group.rounds(); ++round) {
    const Stopwatch watch;
    std::uint64_t bytes = 0;
    for (std::uint64_t journal = 0; journal < group.journals(); ++journal) {
      for (const Row& row : rows) {
        for (const double value : row) {
          char digits[32];
          bytes += static_cast<std::uint64_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits);
        }
      }
    }
    if (bytes > 0) rate.keep_best(watch, static_cast<double>(group.points()));  // Nobody can leave the digits out.
  }
  return rate;
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const JournalGroup group(arguments, 3);
  if (const Status made = group.make("merge"); !made.ok()) return print_failure(kName, made.message());
  const auto points = static_cast<double>(group.points());
  Rate discovering, merging;
  Merged merged;
  std::uint64_t rows_found = 0;
  for (std::int64_t round = 0; round < group.rounds(); ++round) {
    const Stopwatch discover_watch;
    const Discovery found = discover({group.path()});
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
  const Rate digits = measure_digits(group);
  const std::uint64_t lost = group.journals() * group.rows() - rows_found;
  JsonLine line, ratio;
  ratio.add("discover", discovering.points_per_cpu_s / kPromisedPointsPerSecond);
  ratio.add("merge", merging.points_per_cpu_s / kPromisedPointsPerSecond);
  ratio.add("merge_to_digits", merging.points_per_cpu_s / digits.points_per_cpu_s);
  line.add("name", kName).add("promise", "P6").add("ratio", ratio);
  line.add("promised_points_per_s", kPromisedPointsPerSecond);
  line.add("discover", discovering.line()).add("merge", merging.line());
  line.add("digits", digits.line());
  line.add("lines", merged.lines).add("line_bytes", merged.bytes).add("drops", lost);
  print_line(line.add("parameters", arguments.parameters()));
  return lost == 0 && merged.lines > 0 ? 0 : 1;
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  wb::keep_freed_memory();  // As wbsync does.
  return wb::bench::benchmark(count, values);
}
