// What one Run::log() of ten float64 costs in other circumstances than log_latency's, each beside the same floor.
//
// threads_N: N threads log into one run at once, floor and log() in turns in each of them; the floors' buffers are the
// threads' own. paced_N: N calls a second, with the floor half a period before each call, so that both find the caches
// as the sleep leaves them. keeper_busy: while the keeper packs a full tail of 64 MiB (`keeper_core_share` tells how
// busy it was). keeper_stopped: by SIGSTOP, the ring has room. ring_full: the same keeper, until SIGCONT every row is
// dropped and counted. keeper_killed: by SIGKILL, the ring has room; flush() then finds a new keeper, which writes all.
// `drops` are those outside ring_full. Calls that the scheduler interrupts are in the figures.
#include <signal.h>
#include <time.h>

#include <array>
#include <barrier>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/arguments.h"
#include "bench/support/bench_run.h"
#include "bench/support/call_timing.h"
#include "bench/support/scratch.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "log_modes";
constexpr std::array<std::size_t, 4> kThreadCounts{1, 2, 4, 8};
constexpr std::size_t kBurstCalls = 1'600;  // Of 8 threads: 12,800 rows, a quarter of the ring.
constexpr std::size_t kRoomCalls = 16'000;  // They fit into an empty ring.
constexpr std::size_t kRingRows = 60'000;   // They do not.
constexpr std::size_t kRowsBetweenFlushes = 8'000;
constexpr std::chrono::seconds kPatience(120);

/// What a mode measured.
struct Pair {
  Samples floor;
  Samples log;
};

/// Floor and log() in turns, as bursts of each, by one thread.
class Caller {
 public:
  Caller(const CallClock& clock, BenchRun& run, std::uint64_t seed) : clock_(clock), run_(run.run()) {
    for (const Row& row : make_rows(Mix::kTraining, kPreparedRows, seed)) rows_.push_back(run.arguments(row));
  }

  void bursts(std::size_t calls, bool in_groups) {
    clock_.burst([this] { floor_(); }, calls, in_groups, pair_.floor);
    clock_.burst([this] { log(); }, calls, in_groups, pair_.log);
  }
  void one_floor() {
    auto call = [this] { floor_(); };
    pair_.floor.calls_ns.push_back(clock_.one_ns(call));
  }
  void one_log() {
    auto call = [this] { log(); };
    pair_.log.calls_ns.push_back(clock_.one_ns(call));
  }
  Pair take() { return std::exchange(pair_, {}); }

 private:
  static constexpr std::size_t kPreparedRows = 32;
  void log() noexcept { (void)run_.log(rows_[next_++ % kPreparedRows]); }  // Drops are counted by the run.

  const CallClock& clock_;
  Run& run_;
  std::vector<std::array<KeyMetric, kMetricCount>> rows_;
  std::size_t next_ = 0;
  Floor floor_;
  Pair pair_;
};

/// Threads at once; between the rounds flush() empties the ring.
Result<Pair> in_threads(const CallClock& clock, BenchRun& run, std::size_t thread_count, std::size_t rounds) {
  std::barrier<> turn(static_cast<std::ptrdiff_t>(thread_count + 1));
  std::vector<Pair> pairs(thread_count);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      Caller caller(clock, run, t);
      for (std::size_t round = 0; round < rounds; ++round) {
        turn.arrive_and_wait();
        caller.bursts(kBurstCalls, round % 2 == 1);
        turn.arrive_and_wait();
      }
      pairs[t] = caller.take();
    });
  }
  Status failure;
  for (std::size_t round = 0; round < rounds; ++round) {
    turn.arrive_and_wait();
    turn.arrive_and_wait();
    if (Status flushed = run.run().flush(kPatience); !flushed.ok()) failure = std::move(flushed);
  }
  for (std::thread& thread : threads) thread.join();
  if (!failure.ok()) return failure;
  Pair all;
  for (const Pair& pair : pairs) {
    all.floor.append(pair.floor);
    all.log.append(pair.log);
  }
  return all;
}

Pair paced(const CallClock& clock, BenchRun& run, std::int64_t calls_a_second, std::int64_t calls) {
  const std::chrono::nanoseconds half(500'000'000 / calls_a_second);
  Caller caller(clock, run, 1);
  auto due = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < calls; ++i) {
    std::this_thread::sleep_until(due += half);
    caller.one_floor();
    std::this_thread::sleep_until(due += half);
    caller.one_log();
  }
  return caller.take();
}

struct Busy {
  Pair pair;
  double keeper_core_share = 0;
};

/// Logs as many rows as a tail takes, and then measures while the keeper packs it.
Result<Busy> beside_packing(const CallClock& clock, BenchRun& run, std::size_t rounds, std::size_t tail_rows) {
  const std::vector<Row> rows = make_rows(Mix::kTraining, 4'096, 2);
  for (std::size_t r = 0; r < tail_rows; ++r) {
    run.log(rows[r % rows.size()]);
    if (r % kRowsBetweenFlushes != 0) continue;
    if (Status flushed = run.run().flush(kPatience); !flushed.ok()) return flushed;
  }
  Busy busy;
  Caller caller(clock, run, 3);
  const double start_s = processor_s(run.keeper());
  const Stopwatch watch;
  for (std::size_t round = 0; round < rounds; ++round) {
    caller.bursts(kBurstCalls, round % 2 == 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // The keeper empties the ring meanwhile.
  }
  busy.keeper_core_share = (processor_s(run.keeper()) - start_s) / watch.wall_s();
  busy.pair = caller.take();
  return busy;
}

class Report {
 public:
  void add(const std::string& mode, Pair pair) {
    JsonLine line = times_ns(percentiles(pair.log.calls_ns));
    const Percentiles floor = percentiles(pair.floor.calls_ns);
    JsonLine ratio;
    ratio.add("p50_to_floor", percentiles(pair.log.calls_ns).p50 / floor.p50);
    if (!pair.log.groups_ns.empty()) {
      const double typical = median(pair.log.groups_ns);
      line.add("typical_ns", typical);
      ratio.add("typical_to_floor", typical / median(pair.floor.groups_ns));
    }
    ratios_.add(mode, ratio);
    modes_.emplace_back(mode, line);
    modes_.emplace_back(mode + "_floor", times_ns(floor));
  }
  void write(JsonLine& line) const {
    line.add("ratio", ratios_);
    for (const auto& [mode, times] : modes_) line.add(mode, times);
  }

 private:
  JsonLine ratios_;
  std::vector<std::pair<std::string, JsonLine>> modes_;
};

/// The keeper stopped, then the ring full, then the keeper going on, then killed. Gives the rows dropped on purpose.
Result<std::uint64_t> without_keeper(const CallClock& clock, BenchRun& run, Report& report) {
  if (Status flushed = run.run().flush(kPatience); !flushed.ok()) return flushed;
  const pid_t keeper = run.keeper();
  Caller caller(clock, run, 4);
  kill(keeper, SIGSTOP);
  caller.bursts(kRoomCalls, false);
  caller.bursts(kRoomCalls, true);
  report.add("keeper_stopped", caller.take());
  const std::uint64_t before = run.run().counts().dropped;
  const std::vector<Row> rows = make_rows(Mix::kTraining, 1, 5);
  // Whoever finds the ring full waits for a keeper that advanced within the last 100 ms; then nobody does.
  for (std::size_t r = 0; r < kRingRows; ++r) run.log(rows[0]);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  caller.bursts(kRoomCalls, false);
  caller.bursts(kRoomCalls, true);
  report.add("ring_full", caller.take());
  const std::uint64_t dropped = run.run().counts().dropped - before;
  kill(keeper, SIGCONT);
  if (Status flushed = run.run().flush(kPatience); !flushed.ok()) return flushed;
  kill(keeper, SIGKILL);
  caller.bursts(kRoomCalls, false);
  caller.bursts(kRoomCalls, true);
  report.add("keeper_killed", caller.take());
  if (Status flushed = run.run().flush(kPatience); !flushed.ok()) return flushed;
  return dropped;
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const auto rounds = static_cast<std::size_t>(arguments.number("rounds", 60, 2));
  const std::int64_t seconds = arguments.number("seconds", 6, 0);
  const auto tail_rows = static_cast<std::size_t>(arguments.number("tail-rows", 400'000, 2'000));  // 64 MiB.
  const ScratchDirectory scratch(arguments.text("directory", default_scratch_parent()));
  arguments.finish();
  auto opened = BenchRun::open(scratch.path());
  if (!opened.ok()) return print_failure(kName, opened.status().message());
  BenchRun& run = *opened.value();

  const CallClock clock;
  Report report;
  for (const std::size_t threads : kThreadCounts) {
    auto pair = in_threads(clock, run, threads, rounds);
    if (!pair.ok()) return print_failure(kName, pair.status().message());
    report.add("threads_" + std::to_string(threads), std::move(pair).value());
  }
  for (const std::int64_t rate : {1, 200, 10'000}) {
    report.add("paced_" + std::to_string(rate), paced(clock, run, rate, rate * seconds + 1));
  }
  auto busy = beside_packing(clock, run, rounds, tail_rows);
  if (!busy.ok()) return print_failure(kName, busy.status().message());
  report.add("keeper_busy", std::move(busy.value().pair));
  const auto dropped_on_purpose = without_keeper(clock, run, report);
  if (!dropped_on_purpose.ok()) return print_failure(kName, dropped_on_purpose.status().message());
  const Counts counts = run.run().counts();
  if (const Status finished = run.finish(); !finished.ok()) return print_failure(kName, finished.message());

  JsonLine line;
  line.add("name", kName).add("promise", "P1");
  report.write(line);
  line.add("keeper_core_share", busy.value().keeper_core_share).add("accepted", counts.accepted);
  line.add("dropped_while_full", dropped_on_purpose.value()).add("drops", counts.dropped - dropped_on_purpose.value());
  return print_line(line.add("parameters", arguments.parameters()));
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
