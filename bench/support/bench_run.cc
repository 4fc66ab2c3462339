// BenchRun: one way to open a run for all benchmarks.
#include "bench/support/bench_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>
#include <utility>

#include "bench/support/scratch.h"
#include "schema/ring_layout.h"

namespace wb::bench {

Result<std::unique_ptr<BenchRun>> BenchRun::open(const std::string& directory) {
  Options options;
  options.project = "bench";
  options.directory = directory;
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = built_keeper_path();
  auto opened = Run::open(options);
  if (!opened.ok()) return opened.status();
  auto bench_run = std::make_unique<BenchRun>();
  bench_run->run_ = std::move(opened).value();
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const auto key = bench_run->run_->key(metric_names()[i]);
    if (!key.ok()) return key.status();
    bench_run->keys_[i] = key.value();
  }
  if (bench_run->keeper() == 0) return Status(Code::kInternal, "no keeper process");
  return bench_run;
}

std::array<KeyMetric, kMetricCount> BenchRun::arguments(const Row& row) const noexcept {
  std::array<KeyMetric, kMetricCount> metrics;
  for (std::size_t i = 0; i < kMetricCount; ++i) metrics[i] = {keys_[i], Value(row[i])};
  return metrics;
}

pid_t BenchRun::keeper() const {
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

Status BenchRun::finish() {
  Status finished = run_->finish(0);
  return finished.code() == Code::kTimeout ? Status() : finished;
}

double processor_s(pid_t pid) {
  clockid_t clock;
  timespec used;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace wb::bench
