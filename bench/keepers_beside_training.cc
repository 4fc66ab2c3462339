// What eight keepers cost a training that keeps every core busy (issue: at most 1 % of its throughput).
//
// Eight processes log ten metrics 100 times a second each, all the time. A compute thread on every core multiplies
// small matrices and counts. Windows in which the keepers run alternate with windows in which they are stopped by
// SIGSTOP; the trainers' own calls are in both. The loss is the mean of the paired differences, with the interval that
// holds the true mean with 95 %. The pairs' order alternates, so that a drift of the machine cancels.
// `keepers_core_share` is the keepers' processor time in their windows: of one core, all eight together.
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <thread>
#include <vector>

#include "bench/support/arguments.h"
#include "bench/support/bench_run.h"
#include "bench/support/json_line.h"
#include "bench/support/samples.h"
#include "bench/support/scratch.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "keepers_beside_training";
constexpr std::size_t kTrainers = 8;
constexpr double kPromisedLoss = 0.01;
constexpr std::chrono::milliseconds kBetweenRows(10);

/// What a trainer tells of itself when it has begun, and when it is done.
struct Message {
  pid_t keeper = 0;
  std::uint64_t drops = 0;
};

/// A trainer's whole life, in a process of its own: until `stop` is closed.
int train(const std::string& directory, int report, int stop) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto opened = BenchRun::open(directory);
  Message message;
  if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.status().message().c_str());
  if (opened.ok()) message.keeper = opened.value()->keeper();
  if (write(report, &message, sizeof message) != sizeof message || !opened.ok()) return 1;
  const std::vector<Row> rows = make_rows(Mix::kTraining, 1'000, 1);
  timeval no_wait{};
  fd_set readable;
  auto due = std::chrono::steady_clock::now();
  for (std::size_t i = 0;; ++i) {
    FD_ZERO(&readable);
    FD_SET(stop, &readable);
    no_wait = {};
    if (select(stop + 1, &readable, nullptr, nullptr, &no_wait) != 0) break;
    opened.value()->log(rows[i % rows.size()]);
    std::this_thread::sleep_until(due += kBetweenRows);
  }
  message.drops = opened.value()->run().counts().dropped;
  const Status finished = opened.value()->finish();
  return finished.ok() && write(report, &message, sizeof message) == sizeof message ? 0 : 1;
}

/// The trainers and the pipes to them.
class Trainers {
 public:
  /// False: one of them could not begin.
  bool start(const std::string& directory) {
    if (pipe(report_.data()) != 0 || pipe(stop_.data()) != 0) return false;
    for (std::size_t i = 0; i < kTrainers; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        close(stop_[1]);
        _exit(train(directory, report_[1], stop_[0]));
      }
      children_.push_back(child);
    }
    close(report_[1]);
    for (std::size_t i = 0; i < kTrainers; ++i) {
      Message message;
      if (read(report_[0], &message, sizeof message) != sizeof message || message.keeper == 0) return false;
      keepers_.push_back(message.keeper);
    }
    return true;
  }
  void signal_keepers(int number) const {
    for (const pid_t keeper : keepers_) kill(keeper, number);
  }
  double keepers_s() const {
    double sum = 0;
    for (const pid_t keeper : keepers_) sum += processor_s(keeper);
    return sum;
  }
  /// Ends them; gives the drops. False in `ok`: one of them failed.
  std::uint64_t stop(bool& ok) {
    close(stop_[1]);
    std::uint64_t drops = 0;
    Message message;
    std::size_t heard = 0;
    while (read(report_[0], &message, sizeof message) == sizeof message) {
      drops += message.drops;
      ++heard;
    }
    ok = heard == kTrainers;
    for (const pid_t child : children_) {
      int status = 0;
      ok = waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 && ok;
    }
    return drops;
  }

 private:
  std::array<int, 2> report_{-1, -1};
  std::array<int, 2> stop_{-1, -1};
  std::vector<pid_t> children_;
  std::vector<pid_t> keepers_;
};

/// One product of two matrices that fit into the first cache.
float multiply(std::vector<float>& a, const std::vector<float>& b, std::vector<float>& c) {
  constexpr std::size_t kSide = 32;
  for (std::size_t i = 0; i < kSide; ++i) {
    for (std::size_t j = 0; j < kSide; ++j) {
      float sum = 0;
      for (std::size_t k = 0; k < kSide; ++k) sum += a[i * kSide + k] * b[k * kSide + j];
      c[i * kSide + j] = sum * 1e-3F;
    }
  }
  a.swap(c);
  return a[0];
}

/// A compute thread on each core, counting products.
class Training {
 public:
  Training() : threads_(), counts_(std::max(1U, std::thread::hardware_concurrency())) {
    for (std::size_t core = 0; core < counts_.size(); ++core) {
      threads_.emplace_back([this, core](const std::stop_token& token) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(core, &set);
        sched_setaffinity(0, sizeof set, &set);
        std::vector<float> a(1'024, 0.5F), b(1'024, 0.25F), c(1'024);
        while (!token.stop_requested()) {
          volatile float kept = multiply(a, b, c);
          static_cast<void>(kept);
          counts_[core].fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
  }
  std::uint64_t count() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& count) { return sum + count.load(); });
  }
  /// Products a second over a window.
  double throughput(std::chrono::milliseconds window) const {
    const std::uint64_t before = count();
    const Stopwatch watch;
    std::this_thread::sleep_for(window);
    return static_cast<double>(count() - before) / watch.wall_s();
  }

 private:
  std::vector<std::jthread> threads_;
  std::vector<std::atomic<std::uint64_t>> counts_;
};

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const auto pairs = static_cast<std::size_t>(arguments.number("pairs", 60, 2));
  const std::chrono::milliseconds window(arguments.number("window-ms", 400, 50));
  const ScratchDirectory scratch(arguments.text("directory", default_scratch_parent()));
  arguments.finish();
  Trainers trainers;
  if (!trainers.start(scratch.path())) return print_failure(kName, "a trainer could not begin");

  std::vector<double> losses;
  double keepers_s = 0, with_s = 0;
  {
    const Training training;
    training.throughput(window);  // Warm.
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      std::array<double, 2> throughput{};  // Without, with.
      for (const bool with : {pair % 2 == 0, pair % 2 == 1}) {
        trainers.signal_keepers(with ? SIGCONT : SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // What had piled up is written.
        const double start_s = trainers.keepers_s();
        const Stopwatch watch;
        throughput[with ? 1 : 0] = training.throughput(window);
        if (!with) continue;
        keepers_s += trainers.keepers_s() - start_s;
        with_s += watch.wall_s();
      }
      losses.push_back(1 - throughput[1] / throughput[0]);
    }
    trainers.signal_keepers(SIGCONT);
  }
  bool ok = false;
  const std::uint64_t drops = trainers.stop(ok);
  if (!ok) return print_failure(kName, "a trainer failed");

  const double mean = std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
  double squares = 0;
  for (const double loss : losses) squares += (loss - mean) * (loss - mean);
  const double error = std::sqrt(squares / static_cast<double>(losses.size() * (losses.size() - 1)));
  JsonLine line, ratio;
  ratio.add("loss_to_promised", mean / kPromisedLoss);
  line.add("name", kName).add("promise", "P5").add("ratio", ratio).add("loss", mean);
  line.add("loss_low", mean - 1.96 * error).add("loss_high", mean + 1.96 * error);
  line.add("loss_median", median(losses)).add("keepers_core_share", keepers_s / with_s);
  line.add("keepers", kTrainers).add("cores", std::thread::hardware_concurrency()).add("drops", drops);
  return print_line(line.add("parameters", arguments.parameters()));
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
