// What the keeper costs beside a training process: processor time and private memory (promise P5).
//
// First 100 rows of ten metrics a second for some seconds: the keeper's processor time against the wall time. Then many
// rows as fast as the ring takes them, and finish(): the keeper's private memory, sampled until it has sealed the
// journal and ended. The ring is shared memory and does not count.
#include <chrono>
#include <fstream>
#include <thread>

#include "bench/support/arguments.h"
#include "bench/support/bench_run.h"
#include "bench/support/scratch.h"
#include "schema/ring_layout.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "keeper_cost";
constexpr double kPromisedCoreShare = 0.02;
constexpr double kPromisedPrivateMib = 16;
constexpr std::chrono::milliseconds kBetweenRows(10);
constexpr std::size_t kRowsBetweenFlushes = 8'000;  // They fit into the ring: nothing is dropped.
constexpr std::chrono::seconds kPatience(120);

// Memory that this process alone has mapped, without the ring. Clean pages are those of program files, which keepers on
// one machine share; dirty ones are its own.
struct Memory {
  double dirty_mib = 0;
  double clean_mib = 0;

  double all_mib() const { return dirty_mib + clean_mib; }
  JsonLine line() const {
    JsonLine line;
    return line.add("dirty_mib", dirty_mib).add("clean_mib", clean_mib).add("all_mib", all_mib());
  }
};

// All zero once the process has ended.
Memory private_memory(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/smaps");
  Memory memory;
  bool is_ring = false;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t word_end = line.find(' ');
    if (word_end != std::string::npos && line[word_end - 1] != ':') {  // The head of a mapping.
      is_ring = line.find(kRingNamePrefix) != std::string::npos && line.find(kRingNameSuffix) != std::string::npos;
    } else if (line.starts_with("Private_") && !is_ring) {
      const double mib = std::stod(line.substr(line.find(':') + 1)) / 1024;
      (line.starts_with("Private_Dirty") ? memory.dirty_mib : memory.clean_mib) += mib;
    }
  }
  return memory;
}

Memory larger(const Memory& a, const Memory& b) {
  return a.all_mib() < b.all_mib() ? b : a;
}

// The keeper's share of one core while rows come every 10 ms.
double steady_share(BenchRun& run, const std::vector<Row>& rows, pid_t keeper, std::int64_t seconds) {
  const double start_s = processor_s(keeper);
  const Stopwatch watch;
  auto due = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < seconds * 100; ++i) {
    run.log(rows[static_cast<std::size_t>(i) % rows.size()]);
    due += kBetweenRows;
    std::this_thread::sleep_until(due);
  }
  return (processor_s(keeper) - start_s) / watch.wall_s();
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const std::int64_t seconds = arguments.number("seconds", 10, 1);
  const auto row_count = static_cast<std::size_t>(arguments.number("rows", 300'000, 2'000));
  const ScratchDirectory scratch(arguments.text("directory", default_scratch_parent()));
  arguments.finish();

  auto opened = BenchRun::open(scratch.path());
  if (!opened.ok()) return print_failure(kName, opened.status().message());
  BenchRun& run = *opened.value();
  const pid_t keeper = run.keeper();
  const std::vector<Row> rows = make_rows(Mix::kTraining, 20'000, 1);

  const double share = steady_share(run, rows, keeper, seconds);
  const Memory steady = private_memory(keeper);
  Memory peak = steady;
  for (std::size_t r = 0; r < row_count; ++r) {
    run.log(rows[r % rows.size()]);
    if (r % kRowsBetweenFlushes != kRowsBetweenFlushes - 1) continue;
    if (const Status flushed = run.run().flush(kPatience); !flushed.ok())
      return print_failure(kName, flushed.message());
    peak = larger(peak, private_memory(keeper));
  }
  const Counts counts = run.run().counts();
  double seal_cpu_s = processor_s(keeper);
  const double seal_start_s = seal_cpu_s;
  if (const Status finished = run.finish(); !finished.ok()) return print_failure(kName, finished.message());
  for (double now_s = seal_cpu_s; now_s > 0; now_s = processor_s(keeper)) {  // Until it has ended.
    seal_cpu_s = now_s;
    peak = larger(peak, private_memory(keeper));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const double seal_s = seal_cpu_s - seal_start_s;
  const double points = static_cast<double>((row_count + static_cast<std::size_t>(seconds) * 100) * kMetricCount);
  JsonLine line, ratio;
  ratio.add("core_share", share / kPromisedCoreShare).add("private_memory", peak.all_mib() / kPromisedPrivateMib);
  line.add("name", kName).add("promise", "P5").add("ratio", ratio).add("core_share", share);
  line.add("private_steady", steady.line()).add("private_peak", peak.line());
  line.add("seal_cpu_s", seal_s).add("seal_points_per_cpu_s", points / std::max(seal_s, 1e-6));
  line.add("accepted", counts.accepted).add("drops", counts.dropped);
  return print_line(line.add("parameters", arguments.parameters()));
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
