// SIGKILL of the training process at random moments: what log() accepted is in the journal.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/writer/collected.h"
#include "wb/run.h"

namespace wb {
namespace {

constexpr int kKills = 100;
constexpr int kLastKillUs = 30'000;

/// The child: opens a run, says its journal's stem, then logs and tells the count after each accepted row.
[[noreturn]] void log_until_killed(const std::string& directory, int report) {
  Options options;
  options.directory = directory;
  options.id = "run";
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = WB_BINARY_DIR "/bin/wbkeep";
  auto run = Run::open(options);
  if (!run.ok()) _exit(1);
  char stem[64] = {};
  std::strncpy(stem, run.value()->journal().c_str(), sizeof stem - 1);
  if (write(report, stem, sizeof stem) != sizeof stem) _exit(1);
  for (std::int64_t i = 0;; ++i) {
    const Metric metrics[] = {{"i", i}, {"half", static_cast<double>(i) / 2}, {"text", "some text"}};
    if (!run.value()->log(metrics)) _exit(2);
    if (write(report, &i, sizeof i) != sizeof i) _exit(1);
  }
}

// Method: the child is killed at a random moment of its first 30 ms of logging, a hundred times; the parent knows
// from a pipe what was accepted. All of it must be readable once the keeper is done, at most one record more, and
// what is readable must be the first records in order.
TEST(WriterCrash, KeepsWhatItAcknowledgedWhenKilledAtRandomMoments) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> moment_us(0, kLastKillUs);
  const test::TempDirectory directory;
  int kill_count = 0;
  std::uint64_t acknowledged_count = 0;
  for (int round = 0; round < kKills; ++round) {
    int report[2];
    ASSERT_EQ(pipe(report), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(report[0]);
      log_until_killed(directory.path(), report[1]);
    }
    close(report[1]);
    char stem[64];
    ASSERT_EQ(read(report[0], stem, sizeof stem), static_cast<ssize_t>(sizeof stem));
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(moment_us(random));
    std::int64_t last = -1;
    bool is_killed = false;
    // Reading goes on after the kill until the pipe is empty: what was written into it was acknowledged.
    for (;;) {
      if (!is_killed && std::chrono::steady_clock::now() >= end) {
        ASSERT_EQ(kill(child, SIGKILL), 0);
        is_killed = true;
      }
      pollfd ready{report[0], POLLIN, 0};
      if (poll(&ready, 1, is_killed ? -1 : 1) <= 0) continue;
      std::int64_t numbers[512];
      const ssize_t got = read(report[0], numbers, sizeof numbers);
      if (got <= 0) break;
      last = numbers[got / 8 - 1];
    }
    close(report[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    ++kill_count;
    acknowledged_count += static_cast<std::uint64_t>(last + 1);

    const std::string run_directory = directory.path() + "/run";
    const std::string segment = std::string(stem) + ".000.wbj";
    ASSERT_TRUE(test::eventually([&] {
      const auto files = test::files_ending_in(run_directory, ".wbj");
      return std::find(files.begin(), files.end(), segment) != files.end();
    })) << segment;
    const test::Collected journal = test::collect(run_directory, stem);
    ASSERT_GE(static_cast<std::int64_t>(journal.rows.size()), last + 1) << "round " << round;
    ASSERT_LE(static_cast<std::int64_t>(journal.rows.size()), last + 2) << "round " << round;
    std::int64_t expected = 0;
    for (const auto& row : journal.rows) {
      ASSERT_EQ(row.step, expected);
      ASSERT_EQ(row.metrics.at("i").bits, static_cast<std::uint64_t>(expected));
      ASSERT_EQ(row.metrics.at("half").number(), static_cast<double>(expected) / 2);
      ASSERT_EQ(row.metrics.at("text").text, "some text");
      ++expected;
    }
    ASSERT_TRUE(journal.kinds.contains(Kind::kDeath));
  }
  EXPECT_EQ(kill_count, kKills);
  EXPECT_GT(acknowledged_count, 1'000U) << "too few rows: the test proved nothing";
}

}  // namespace
}  // namespace wb
