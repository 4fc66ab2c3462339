// A run that a benchmark logs into, with what it must know of the run's keeper.
#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <string>

#include "bench/support/workload.h"
#include "wb/run.h"

namespace wb::bench {

/// A run with a keeper process of its own, and rows of ten metrics with interned keys. Rows that are dropped are
/// counted by the run.
class BenchRun {
 public:
  /// The keeper is the wbkeep that was built with this program.
  static Result<std::unique_ptr<BenchRun>> open(const std::string& directory);

  Run& run() noexcept { return *run_; }
  const std::array<Key, kMetricCount>& keys() const noexcept { return keys_; }
  /// The arguments of a call, made beforehand.
  std::array<KeyMetric, kMetricCount> arguments(const Row& row) const noexcept;
  void log(const Row& row) noexcept { (void)run_->log(arguments(row)); }
  /// The keeper's process; 0: there is none.
  pid_t keeper() const;
  /// As Run::finish(0), but a keeper that takes longer than finish() waits is no failure.
  Status finish();

 private:
  std::unique_ptr<Run> run_;
  std::array<Key, kMetricCount> keys_;
};

/// Processor seconds of another process, all its threads; 0 once it has ended.
double processor_s(pid_t pid);

}  // namespace wb::bench
