// What the keeper costs beside a training process: processor time and private memory (promise P5).
//
// First 100 rows of ten metrics a second for some seconds: the keeper's processor time against the wall time. Then many
// rows as fast as the ring takes them, and finish(): the keeper's private memory, sampled until it has sealed the
// journal and ended. The ring is shared memory and does not count.
#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "bench/support/arguments.h"
#include "bench/support/scratch.h"
#include "bench/support/workload.h"
#include "schema/ring_layout.h"
#include "wb/run.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "keeper_cost";
constexpr double kPromisedCoreShare = 0.02;
constexpr double kPromisedPrivateMib = 16;
constexpr std::chrono::milliseconds kBetweenRows(10);
constexpr std::size_t kRowsBetweenFlushes = 8'000;  // They fit into the ring: nothing is dropped.
constexpr std::chrono::seconds kPatience(120);

// The pid of the keeper of this process's only ring; 0 if there is none.
pid_t find_keeper() {
  pid_t found = 0;
  DIR* directory = opendir("/dev/shm");
  if (directory == nullptr) return 0;
  while (const dirent* entry = readdir(directory)) {
    if (!std::string_view(entry->d_name).starts_with(kRingNamePrefix)) continue;
    const int ring = openat(dirfd(directory), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (ring < 0) continue;
    std::int32_t trainer = 0, keeper = 0;
    const auto keeper_at = offsetof(RingHeader, keeper) + offsetof(RingKeeper, keeper_pid);
    if (pread(ring, &trainer, sizeof trainer, offsetof(RingIdentity, trainer_pid)) == sizeof trainer &&
        pread(ring, &keeper, sizeof keeper, keeper_at) == sizeof keeper && trainer == getpid()) {
      found = keeper;
    }
    close(ring);
  }
  closedir(directory);
  return found;
}

// Processor seconds of another process, all its threads.
double processor_s(pid_t pid) {
  clockid_t clock;
  timespec used;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

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

void log_row(Run& run, std::array<KeyMetric, kMetricCount>& metrics, const Row& row) {
  for (std::size_t i = 0; i < kMetricCount; ++i) metrics[i].value = Value(row[i]);
  (void)run.log(metrics);  // Drops are counted by the run.
}

// The keeper's share of one core while rows come every 10 ms.
double steady_share(Run& run, std::array<KeyMetric, kMetricCount>& metrics, const std::vector<Row>& rows, pid_t keeper,
                    std::int64_t seconds) {
  const double start_s = processor_s(keeper);
  const Stopwatch watch;
  auto due = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < seconds * 100; ++i) {
    log_row(run, metrics, rows[static_cast<std::size_t>(i) % rows.size()]);
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

  Options options;
  options.project = "bench";
  options.directory = scratch.path();
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = built_keeper_path();
  auto opened = Run::open(options);
  if (!opened.ok()) return print_failure(kName, opened.status().message());
  Run& run = *opened.value();
  std::array<KeyMetric, kMetricCount> metrics;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const auto key = run.key(metric_names()[i]);
    if (!key.ok()) return print_failure(kName, key.status().message());
    metrics[i].key = key.value();
  }
  const pid_t keeper = find_keeper();
  if (keeper == 0) return print_failure(kName, "no keeper process");
  const std::vector<Row> rows = make_rows(Mix::kTraining, 20'000, 1);

  const double share = steady_share(run, metrics, rows, keeper, seconds);
  const Memory steady = private_memory(keeper);
  Memory peak = steady;
  for (std::size_t r = 0; r < row_count; ++r) {
    log_row(run, metrics, rows[r % rows.size()]);
    if (r % kRowsBetweenFlushes != kRowsBetweenFlushes - 1) continue;
    if (const Status flushed = run.flush(kPatience); !flushed.ok()) return print_failure(kName, flushed.message());
    peak = larger(peak, private_memory(keeper));
  }
  const Counts counts = run.counts();
  double seal_cpu_s = processor_s(keeper);
  const double seal_start_s = seal_cpu_s;
  if (const Status finished = run.finish(0); !finished.ok() && finished.code() != Code::kTimeout) {
    return print_failure(kName, finished.message());
  }
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
