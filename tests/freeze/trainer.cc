// A training process for the tests of bad file systems: logs at a rate, times every call, finishes when it is told to.
// Usage: wb_freeze_trainer REPORT_DESCRIPTOR DIRECTORY ROWS_PER_SECOND. Rate 0: as fast as it can.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/freeze/report.h"
#include "wb/run.h"

namespace wb::test {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

/// How often this thread has left its processor.
struct Switches {
  long waited = 0;  // It slept in the kernel.
  long lost = 0;    // Another process took the processor, or a yield gave it away.

  static Switches now() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return {usage.ru_nvcsw, usage.ru_nivcsw};
  }
};

/// Nanoseconds that the main thread was ready to run and had no processor.
std::uint64_t waited_for_processor_ns() {
  static const int file = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
  std::array<char, 128> text{};
  if (pread(file, text.data(), text.size() - 1, 0) <= 0) return 0;
  unsigned long long ran = 0;
  unsigned long long waited = 0;
  return std::sscanf(text.data(), "%llu %llu", &ran, &waited) == 2 ? waited : 0;
}

void raise(std::atomic<std::uint64_t>& most, std::uint64_t value) {
  if (value > most.load(std::memory_order_relaxed)) most.store(value, std::memory_order_relaxed);
}

void sleep_until(std::uint64_t ns) {
  const timespec at{static_cast<time_t>(ns / kNsPerSecond), static_cast<long>(ns % kNsPerSecond)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
  }
}

class Trainer {
 public:
  Trainer(TrainerReport& report, Run& run) : report_(report), run_(run) {
    for (std::size_t i = 0; i < kMetrics; ++i) {
      row_[i] = {run.key("metric/" + std::to_string(i)).value(), 0.25};
    }
  }

  void log_until_told(std::uint64_t rate) {
    const std::uint64_t start_ns = now_ns();
    for (std::uint64_t call = 0; call < kCallsMax && report_.is_to_finish.load() == 0; ++call) {
      if (rate != 0) sleep_until(start_ns + call * kNsPerSecond / rate);
      log(call);
    }
  }

 private:
  static constexpr std::size_t kMetrics = 10;

  void log(std::uint64_t call) {
    row_[0].value = Value(static_cast<std::int64_t>(call));
    for (std::size_t i = 1; i < kMetrics; ++i)
      row_[i].value = Value(static_cast<double>(call) / static_cast<double>(i));
    const Switches before = Switches::now();
    const std::uint64_t waited_ns = waited_for_processor_ns();
    const std::uint64_t begin_ns = now_ns();
    const bool accepted = run_.log(std::span<const KeyMetric>(row_));
    const std::uint64_t took_ns = now_ns() - begin_ns;
    raise(report_.worst_ns, took_ns - std::min(took_ns, waited_for_processor_ns() - waited_ns));
    const Switches after = Switches::now();
    if (accepted) report_.accepted_bits[call / 64].fetch_or(std::uint64_t{1} << call % 64, std::memory_order_relaxed);
    if (after.waited != before.waited) {
      report_.slept.fetch_add(1, std::memory_order_relaxed);
      raise(report_.slept_ns, took_ns);
    } else if (after.lost != before.lost) {
      report_.disturbed.fetch_add(1, std::memory_order_relaxed);
      raise(report_.disturbed_ns, took_ns);
    }
    const Counts counts = run_.counts();
    report_.accepted.store(counts.accepted);
    report_.dropped.store(counts.dropped);
    report_.called.store(call + 1);
  }

  TrainerReport& report_;
  Run& run_;
  std::array<KeyMetric, kMetrics> row_;
};

int train(TrainerReport& report, const char* directory, std::uint64_t rate) {
  Options options;
  options.directory = directory;
  options.id = "run";
  options.keeper = KeeperMode::kProcess;
  const std::uint64_t begin_ns = now_ns();
  auto run = Run::open(options);
  report.open_ns.store(now_ns() - begin_ns);
  if (!run.ok()) {
    std::fprintf(stderr, "%s\n", run.status().message().c_str());
    report.phase.store(3);
    return 1;
  }
  Trainer trainer(report, *run.value());
  report.phase.store(1);
  trainer.log_until_told(rate);
  report.finish_waited_ns.store(waited_for_processor_ns());
  report.finish_at_ns.store(now_ns());
  report.phase.store(2);
  const Status status = run.value()->finish(0);
  report.finish_code.store(static_cast<std::uint64_t>(status.code()));
  report.finish_ns.store(now_ns() - report.finish_at_ns.load());
  return 0;
}

}  // namespace
}  // namespace wb::test

int main(int count, char** arguments) {
  if (count != 4) return 2;
  void* const memory =
      mmap(nullptr, sizeof(wb::test::TrainerReport), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(arguments[1]), 0);
  if (memory == MAP_FAILED) return 2;
  return wb::test::train(*static_cast<wb::test::TrainerReport*>(memory), arguments[2],
                         std::strtoull(arguments[3], nullptr, 10));
}
