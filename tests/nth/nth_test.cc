// Each allocation and each system call of trainer and keeper fails, once or from then on: nothing crashes, nothing
// hangs, and what log() accepted is in the journal or is reported.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/nth/injector.h"
#include "tests/nth/report.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"
#include "tests/support/sandbox.h"
#include "wb/status.h"

namespace wb::test {
namespace {

constexpr int kErrors[] = {ENOSPC, EIO, EINTR, EMFILE, EAGAIN};
constexpr int kCouldNotOpen = 10;  // The trainer's exit code.

/// Which of many cases run: all with WB_NTH=all, else about `wanted` of them, from a random one on.
class Sample {
 public:
  Sample(std::uint64_t all_count, std::uint64_t wanted) {
    const char* const choice = std::getenv("WB_NTH");
    stride_ =
        choice != nullptr && std::string_view(choice) == "all" ? 1 : std::max<std::uint64_t>(1, all_count / wanted);
    first_ = std::random_device()() % stride_;
    std::printf("%llu cases, every %llu-th from %llu on\n", static_cast<unsigned long long>(all_count),
                static_cast<unsigned long long>(stride_), static_cast<unsigned long long>(first_));
  }
  bool has(std::uint64_t number) const { return number % stride_ == first_; }

 private:
  std::uint64_t stride_ = 1;
  std::uint64_t first_ = 0;
};

template <typename T>
class Shared {
 public:
  Shared() : file_(::memfd_create("shared", 0)) {
    EXPECT_EQ(::ftruncate(file_, sizeof(T)), 0);
    memory_ = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  }
  ~Shared() {
    ::munmap(memory_, sizeof(T));
    ::close(file_);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T& operator*() { return *static_cast<T*>(memory_); }
  T* operator->() { return static_cast<T*>(memory_); }
  int fd() const { return file_; }

 private:
  int file_;
  void* memory_ = nullptr;
};

std::vector<std::string> rings() {
  return files_ending_in("/dev/shm", ".ring");
}

void rescue() {
  KeeperProcess rescue({WB_BINARY_DIR "/bin/wbkeep", "--rescue"}, -1, [] { ::close(1); });
  EXPECT_EQ(rescue.wait().exit_code, 0);
}

/// A trainer whose calls or allocations fail.
struct TrainerCase {
  bool is_thread = false;  // The keeper is a thread of the trainer.
  Injection calls;
  int malloc_phase = -1;
  std::uint64_t malloc_nth = 0;
  bool malloc_forever = false;
};

struct TrainerResult {
  Outcome outcome;
  std::uint64_t malloc_count = 0;
};

/// What log() accepted is in the journal, in order; what it did not is counted in the gap records.
void expect_told(const std::string& run_directory, NthReport& report) {
  std::vector<std::int64_t> expected;
  for (std::uint64_t call = 0; call < kNthCalls; ++call) {
    if (report.accepted[call].load() != 0) expected.push_back(static_cast<std::int64_t>(call));
  }
  const JournalContent content = read_only_journal(run_directory);
  EXPECT_EQ(content.steps, expected);
  std::int64_t gaps = 0;
  for (const auto& gap : content.gaps) gaps += gap.at("count");
  EXPECT_EQ(gaps + static_cast<std::int64_t>(expected.size()), static_cast<std::int64_t>(kNthCalls));
  EXPECT_EQ(report.dropped.load() + expected.size(), kNthCalls);
  EXPECT_TRUE(content.scan.damage.empty());
  if (report.finish_code.load() == static_cast<std::uint32_t>(Code::kOk)) {
    EXPECT_EQ(content.kinds.count(Kind::kFinish), 1U);
  }
}

TrainerResult run_trainer(const TrainerCase& failing) {
  const std::string directory = sandbox_directory("nth");
  Shared<NthReport> report;
  Shared<std::atomic<std::uint64_t>> malloc_count;
  const std::string plan = std::to_string(failing.malloc_phase) + " " + std::to_string(failing.malloc_nth) + " " +
                           std::to_string(failing.malloc_forever ? 1 : 0) + " " + std::to_string(malloc_count.fd());
  const Traced traced{
      .words = {WB_BINARY_DIR "/bin/wb_nth_trainer", std::to_string(report.fd()), directory},
      .in_child =
          [&] {
            ::setenv("WB_KEEPER_PATH", WB_BINARY_DIR "/bin/wbkeep", 1);
            if (failing.is_thread) ::setenv("WB_KEEPER", "thread", 1);
            if (failing.malloc_phase >= 0) {
              ::setenv("LD_PRELOAD", WB_BINARY_DIR "/lib/libwb_failing_malloc.so", 1);
              ::setenv("WB_TEST_MALLOC", plan.c_str(), 1);
            }
            const int null = ::open("/dev/null", O_WRONLY);
            ::dup2(null, 2);
          },
  };
  TrainerResult result{run_injected(traced, failing.calls), 0};
  result.malloc_count = malloc_count->load();
  const Outcome& outcome = result.outcome;
  EXPECT_FALSE(outcome.timed_out) << "it hung";
  EXPECT_EQ(outcome.signal, 0) << "the program was ended";
  if (outcome.exit_code == kCouldNotOpen) {
    // A keeper that was started and not waited for finds an empty run, if anything.
    if (!eventually([] { return rings().empty(); }, 2)) rescue();
  } else {
    EXPECT_EQ(outcome.exit_code, 0);
    if (!eventually([] { return rings().empty(); }, 2)) rescue();
    EXPECT_TRUE(eventually([] { return rings().empty(); }, 20));
    expect_told(directory + "/run", *report);
  }
  EXPECT_TRUE(rings().empty()) << "a ring that nobody can rescue";
  for (const std::string& ring : rings()) std::filesystem::remove("/dev/shm/" + ring);
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  return result;
}

const char* phase_name(Phase phase) {
  constexpr std::array<const char*, 5> kNames = {"", "open", "log", "flush", "finish"};
  return kNames[static_cast<std::size_t>(phase)];
}

class Nth : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_sandbox(); }
};

constexpr Phase kPhases[] = {Phase::kOpen, Phase::kLog, Phase::kFlush, Phase::kFinish};

void run_call_failures(bool is_thread, std::uint64_t wanted) {
  std::uint64_t all_count = 0;
  std::array<std::uint64_t, 4> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = run_trainer({.is_thread = is_thread, .calls = {.phase = kPhases[i]}}).outcome.call_count;
    all_count += counts[i] * std::size(kErrors) * 2;
  }
  const Sample sample(all_count, wanted);
  std::uint64_t number = 0;
  int ran_count = 0;
  int reached_count = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (std::uint64_t nth = 1; nth <= counts[i]; ++nth) {
      for (const int error : kErrors) {
        for (const bool forever : {false, true}) {
          if (!sample.has(number++)) continue;
          SCOPED_TRACE(testing::Message() << phase_name(kPhases[i]) << ", call " << nth << ", "
                                          << ::strerrorname_np(error) << (forever ? " forever" : " once"));
          const TrainerResult result = run_trainer(
              {.is_thread = is_thread, .calls = {.phase = kPhases[i], .nth = nth, .error = error, .forever = forever}});
          ++ran_count;
          reached_count += result.outcome.failed_count > 0 ? 1 : 0;
          if (testing::Test::HasFailure()) {
            FAIL() << "system call " << result.outcome.number << " failed " << result.outcome.failed_count << " times";
          }
        }
      }
    }
  }
  std::printf("%d cases ran, in %d of them a call failed\n", ran_count, reached_count);
  EXPECT_GE(static_cast<std::uint64_t>(ran_count), std::min(wanted, all_count) * 9 / 10);
  EXPECT_GT(reached_count, ran_count / 2);
}

TEST_F(Nth, FailedSystemCallOfATrainerLosesNothingSilently) {
  run_call_failures(false, 60);
}

TEST_F(Nth, FailedSystemCallOfATrainerWithAKeeperThreadLosesNothingSilently) {
  run_call_failures(true, 40);
}

void run_allocation_failures(bool is_thread) {
  std::uint64_t all_count = 0;
  std::array<std::uint64_t, 4> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] =
        run_trainer({.is_thread = is_thread, .calls = {}, .malloc_phase = static_cast<int>(kPhases[i])}).malloc_count;
    all_count += counts[i] * 2;
  }
  EXPECT_GT(counts[0], 50U);
  const Sample sample(all_count, 50);
  std::uint64_t number = 0;
  int ran_count = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (std::uint64_t nth = 1; nth <= counts[i]; ++nth) {
      for (const bool forever : {false, true}) {
        if (!sample.has(number++)) continue;
        SCOPED_TRACE(testing::Message() << phase_name(kPhases[i]) << ", allocation " << nth
                                        << (forever ? " forever" : " once") << (is_thread ? ", thread" : ""));
        run_trainer({.is_thread = is_thread,
                     .calls = {},
                     .malloc_phase = static_cast<int>(kPhases[i]),
                     .malloc_nth = nth,
                     .malloc_forever = forever});
        ++ran_count;
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  std::printf("%d cases ran\n", ran_count);
  EXPECT_GE(static_cast<std::uint64_t>(ran_count), std::min<std::uint64_t>(50, all_count) * 9 / 10);
}

TEST_F(Nth, FailedAllocationOfATrainerLosesNothingSilently) {
  run_allocation_failures(false);
}

TEST_F(Nth, FailedAllocationOfATrainerWithAKeeperThreadLosesNothingSilently) {
  run_allocation_failures(true);
}

/// A whole journal in the ring: more rows than one batch, so that there are several tails, a gap, a finish. The keeper
/// has only to write it.
void fill(RingMaker& ring) {
  ring.publish_start();
  for (std::int64_t step = 0; step < 18'000; ++step) ASSERT_TRUE(ring.publish_row(step));
  ring.drop(18'000);
  ASSERT_TRUE(ring.publish_finish(0));
}

struct KeeperCase {
  Injection calls;
  std::uint64_t malloc_nth = 0;
  bool malloc_forever = false;
};

/// The keeper with the fault ends, or is killed while the fault lasts; a second one completes the journal.
TrainerResult run_keeper(const KeeperCase& failing) {
  const std::string directory = sandbox_directory("nth");
  const std::string run_directory = directory + "/deep/run";
  RingMaker ring(run_directory, 2 * kRingBytesMin);
  fill(ring);
  Shared<std::atomic<std::uint64_t>> malloc_count;
  const std::string plan = "0 " + std::to_string(failing.malloc_nth) + " " +
                           std::to_string(failing.malloc_forever ? 1 : 0) + " " + std::to_string(malloc_count.fd());
  const bool counts_mallocs = failing.calls.error == 0;
  const Traced traced{.words = {WB_BINARY_DIR "/bin/wbkeep", "--tail-bytes", "3000"},
                      .in_child =
                          [&] {
                            const int null = ::open("/dev/null", O_RDWR);
                            for (const int standard : {0, 1, 2}) ::dup2(null, standard);
                            ::dup2(::fcntl(ring.fd(), F_DUPFD, 10), 3);
                            if (!counts_mallocs) return;
                            ::setenv("LD_PRELOAD", WB_BINARY_DIR "/lib/libwb_failing_malloc.so", 1);
                            ::setenv("WB_TEST_MALLOC", plan.c_str(), 1);
                          },
                      .follows_forks = true,
                      .stop_after = 1};
  TrainerResult result{run_injected(traced, failing.calls), malloc_count->load()};
  EXPECT_FALSE(result.outcome.timed_out) << "it hung";
  // A keeper without memory may end at once, as one that is killed for want of it: the next one has the ring.
  const bool may_abort = counts_mallocs && result.outcome.signal == SIGABRT;
  EXPECT_TRUE(result.outcome.signal == 0 || result.outcome.was_stopped || may_abort)
      << "killed by " << result.outcome.signal;
  const bool is_complete = ring.header().keeper.state.load() == KeeperState::kSealed;
  EXPECT_TRUE(is_complete || ring.exists() || is_done(ring.header().keeper.state.load()));
  if (ring.exists()) {
    KeeperProcess second(foreground_keeper(WB_BINARY_DIR, {"--tail-bytes", "3000"}), ring.fd());
    EXPECT_EQ(second.wait().exit_code, 0);
  }
  const JournalContent content = read_only_journal(run_directory);
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence())) << content.sequences.size();
  EXPECT_EQ(content.gaps.size(), 1U);
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_EQ(content.kinds.count(Kind::kDeath), 0U);
  EXPECT_TRUE(content.scan.damage.empty());
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  return result;
}

TEST_F(Nth, FailedSystemCallOfAKeeperLosesNothing) {
  const std::uint64_t count = run_keeper({.calls = {.error = EIO}}).outcome.call_count;
  EXPECT_GT(count, 100U);
  const std::uint64_t all_count = count * std::size(kErrors) * 2;
  const Sample sample(all_count, 60);
  std::uint64_t number = 0;
  int ran_count = 0;
  int reached_count = 0;
  for (std::uint64_t nth = 1; nth <= count; ++nth) {
    for (const int error : kErrors) {
      for (const bool forever : {false, true}) {
        if (!sample.has(number++)) continue;
        SCOPED_TRACE(testing::Message() << "call " << nth << ", " << ::strerrorname_np(error)
                                        << (forever ? " forever" : " once"));
        const Outcome outcome = run_keeper({.calls = {.nth = nth, .error = error, .forever = forever}}).outcome;
        ++ran_count;
        reached_count += outcome.failed_count > 0 ? 1 : 0;
        if (HasFailure()) FAIL() << "system call " << outcome.number << " failed " << outcome.failed_count << " times";
      }
    }
  }
  std::printf("%d cases ran, in %d of them a call failed\n", ran_count, reached_count);
  EXPECT_GE(ran_count, 54);
  EXPECT_GT(reached_count, ran_count / 2);
}

TEST_F(Nth, FailedAllocationOfAKeeperLosesNothing) {
  const std::uint64_t count = run_keeper({}).malloc_count;
  EXPECT_GT(count, 300U);
  const Sample sample(count * 2, 60);
  std::uint64_t number = 0;
  int ran_count = 0;
  for (std::uint64_t nth = 1; nth <= count; ++nth) {
    for (const bool forever : {false, true}) {
      if (!sample.has(number++)) continue;
      SCOPED_TRACE(testing::Message() << "allocation " << nth << (forever ? " forever" : " once"));
      run_keeper({.calls = {}, .malloc_nth = nth, .malloc_forever = forever});
      ++ran_count;
      if (HasFailure()) return;
    }
  }
  std::printf("%d cases ran\n", ran_count);
  EXPECT_GE(ran_count, 54);
}

}  // namespace
}  // namespace wb::test
