// What one Run::log() of ten float64 costs, against the least that any writer must do (promises P1 and P2).
//
// Method. The floor is clock_gettime, memcpy of a frame into the next place of an 8 MiB buffer, and CRC32C over it:
// the same bytes to the same kind of place. Floor and log() are measured in turns, a burst of calls each, in one
// thread, so that whatever else the machine does hits both. Half of the bursts time each call by itself with a
// serialised time stamp counter, less the median of an empty reading: p50, p99, p99.9, max. Some processors count in
// steps of 10 ns; so the other half time groups of 16 calls, and `typical_ns` is the median of a call's mean in a
// group. After each round flush() waits until the keeper has everything: a burst fits into the ring. Cold: before each
// call a buffer larger than the caches is walked. Allocations: calls of operator new in this process while bursts run.
#include <memory>
#include <span>
#include <vector>

#include "bench/support/allocations.h"
#include "bench/support/arguments.h"
#include "bench/support/bench_run.h"
#include "bench/support/call_timing.h"
#include "bench/support/scratch.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "log_latency";
constexpr std::size_t kColdBytes = 64U << 20;
constexpr std::chrono::seconds kFlushTimeout(60);

// The two ways to log a row. The arguments of kPreparedRows rows are made beforehand: log() alone is measured.
class Logger {
 public:
  Logger(Run& run, std::span<const Key, kMetricCount> keys) : run_(run) {
    const std::vector<Row> rows = make_rows(Mix::kTraining, kPreparedRows, 1);
    for (std::size_t r = 0; r < kPreparedRows; ++r) {
      for (std::size_t i = 0; i < kMetricCount; ++i) {
        interned_[r][i] = {keys[i], Value(rows[r][i])};
        named_[r][i] = {metric_names()[i], Value(rows[r][i])};
      }
    }
  }

  Run& run() { return run_; }
  void by_key() noexcept { (void)run_.log(interned_[next_++ % kPreparedRows]); }  // Drops are counted by the run.
  void by_name() noexcept { (void)run_.log(named_[next_++ % kPreparedRows]); }

 private:
  static constexpr std::size_t kPreparedRows = 32;
  Run& run_;
  std::size_t next_ = 0;
  std::array<std::array<KeyMetric, kMetricCount>, kPreparedRows> interned_;
  std::array<std::array<Metric, kMetricCount>, kPreparedRows> named_;
};

struct Measured {
  Samples floor, by_key, by_name, floor_cold, by_key_cold;
  std::uint64_t allocations = 0;
};

Status measure_warm(const CallClock& clock, Logger& logger, std::size_t calls, std::size_t burst_calls, Measured& out) {
  Floor floor;
  for (Samples* samples : {&out.floor, &out.by_key, &out.by_name}) {
    samples->calls_ns.reserve(calls + burst_calls);
    samples->groups_ns.reserve((calls + burst_calls) / CallClock::kGroupCalls);
  }
  for (std::size_t round = 0; out.by_key.calls_ns.size() < calls; ++round) {
    const bool in_groups = round % 2 == 1;
    const std::uint64_t before = allocation_count();
    clock.burst([&] { floor(); }, burst_calls, in_groups, out.floor);
    clock.burst([&] { logger.by_key(); }, burst_calls, in_groups, out.by_key);
    clock.burst([&] { logger.by_name(); }, burst_calls, in_groups, out.by_name);
    out.allocations += allocation_count() - before;
    if (const Status flushed = logger.run().flush(kFlushTimeout); !flushed.ok()) return flushed;
  }
  return {};
}

void walk(std::span<std::byte> memory) {
  for (std::size_t at = 0; at < memory.size(); at += 64) memory[at] = static_cast<std::byte>(at >> 6);
}

void measure_cold(const CallClock& clock, Logger& logger, std::size_t calls, Measured& out) {
  Floor floor;
  auto floor_call = [&] { floor(); };
  auto log_call = [&] { logger.by_key(); };
  std::vector<std::byte> memory(kColdBytes);
  for (std::size_t i = 0; i < calls; ++i) {
    walk(memory);
    out.floor_cold.calls_ns.push_back(clock.one_ns(floor_call));
    walk(memory);
    out.by_key_cold.calls_ns.push_back(clock.one_ns(log_call));
  }
}

int print(Measured& measured, const Counts& counts, const Arguments& arguments) {
  const Percentiles floor = percentiles(measured.floor.calls_ns);
  const Percentiles by_key = percentiles(measured.by_key.calls_ns);
  const Percentiles by_name = percentiles(measured.by_name.calls_ns);
  const Percentiles floor_cold = percentiles(measured.floor_cold.calls_ns);
  const Percentiles cold = percentiles(measured.by_key_cold.calls_ns);
  const double floor_typical = median(measured.floor.groups_ns);
  const double by_key_typical = median(measured.by_key.groups_ns);
  const double by_name_typical = median(measured.by_name.groups_ns);
  JsonLine ratio;
  ratio.add("typical_to_floor", by_key_typical / floor_typical).add("p50_to_floor", by_key.p50 / floor.p50);
  ratio.add("p999_to_floor", by_key.p999 / floor_typical);
  ratio.add("string_keys_to_interned", by_name_typical / by_key_typical);
  ratio.add("cold_to_warm", cold.p50 / by_key_typical).add("cold_to_cold_floor", cold.p50 / floor_cold.p50);
  JsonLine line;
  line.add("name", kName).add("promise", "P1 P2").add("ratio", ratio);
  line.add("floor", times_ns(floor).add("typical_ns", floor_typical));
  line.add("interned", times_ns(by_key).add("typical_ns", by_key_typical));
  line.add("string_keys", times_ns(by_name).add("typical_ns", by_name_typical));
  line.add("floor_cold", times_ns(floor_cold)).add("cold", times_ns(cold));
  line.add("allocations", measured.allocations).add("accepted", counts.accepted).add("drops", counts.dropped);
  return print_line(line.add("parameters", arguments.parameters()));
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const auto calls = static_cast<std::size_t>(arguments.number("calls", 400'000, 4'000));
  const auto burst_calls = static_cast<std::size_t>(arguments.number("burst", 4'000, 1'000));
  const auto cold_calls = static_cast<std::size_t>(arguments.number("cold-calls", 300, 5));
  const ScratchDirectory scratch(arguments.text("directory", default_scratch_parent()));
  arguments.finish();

  auto opened = BenchRun::open(scratch.path());
  if (!opened.ok()) return print_failure(kName, opened.status().message());
  BenchRun& run = *opened.value();
  auto logger = std::make_unique<Logger>(run.run(), run.keys());

  const CallClock clock;
  auto measured = std::make_unique<Measured>();
  for (int i = 0; i < 100; ++i) logger->by_name();
  if (const Status warm = measure_warm(clock, *logger, calls, burst_calls, *measured); !warm.ok()) {
    return print_failure(kName, warm.message());
  }
  measure_cold(clock, *logger, cold_calls, *measured);
  const Counts counts = run.run().counts();
  if (const Status finished = run.finish(); !finished.ok()) return print_failure(kName, finished.message());
  return print(*measured, counts, arguments);
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
