// How fast 64 sealed journals of 100,000 points each are read and checked, on one core (the reading of promise P6).
//
// The journals are made first and their files are in the page cache. Each point's value is taken out of its row and
// summed. Rates are points per second of processor time and of wall time; the best of the rounds.
#include "bench/support/arguments.h"
#include "bench/support/journal_group.h"
#include "schema/journal/journal_reader.h"
#include "schema/record.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "read_throughput";
constexpr double kPromisedPointsPerSecond = 10e6;

struct Reading {
  std::uint64_t points = 0;
  std::uint64_t damage = 0;
  double sum = 0;  // Of the finite values: nobody can leave the reading out.
};

Result<Reading> read_all(const std::string& directory) {
  const auto journals = list_journals(directory);
  if (!journals.ok()) return journals.status();
  Reading reading;
  for (const JournalFiles& files : journals.value()) {
    const auto scan = read_journal(files, 0, [&](const Frame& frame) {
      if (frame.kind != Kind::kRow) return true;
      const auto row = RowView::parse(frame.payload);
      if (!row.ok()) return false;
      for (std::size_t i = 0; i < row.value().size(); ++i) {
        const double value = row.value().value(i).as_double();
        if (value < 1e300) reading.sum += value;
      }
      reading.points += row.value().size();
      return true;
    });
    if (!scan.ok()) return scan.status();
    reading.damage += scan.value().damage.size();
  }
  return reading;
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const JournalGroup group(arguments, 5);
  if (const Status made = group.make("read"); !made.ok()) return print_failure(kName, made.message());
  double best_cpu = 0, best_wall = 0;
  Reading reading;
  for (std::int64_t round = 0; round < group.rounds(); ++round) {
    const Stopwatch watch;
    const auto read = read_all(group.path() + "/read");
    const double cpu_s = watch.cpu_s(), wall_s = watch.wall_s();
    if (!read.ok()) return print_failure(kName, read.status().message());
    reading = read.value();
    best_cpu = std::max(best_cpu, static_cast<double>(reading.points) / cpu_s);
    best_wall = std::max(best_wall, static_cast<double>(reading.points) / wall_s);
  }
  const std::uint64_t lost = group.points() - reading.points;
  JsonLine line, ratio;
  ratio.add("points_per_cpu_s", best_cpu / kPromisedPointsPerSecond);
  line.add("name", kName).add("promise", "P6").add("ratio", ratio);
  line.add("promised_points_per_s", kPromisedPointsPerSecond);
  line.add("points_per_cpu_s", best_cpu).add("points_per_wall_s", best_wall);
  line.add("points", reading.points).add("bytes", bytes_below(group.path())).add("sum", reading.sum);
  line.add("damage", reading.damage).add("drops", lost);
  print_line(line.add("parameters", arguments.parameters()));
  return lost == 0 && reading.damage == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
