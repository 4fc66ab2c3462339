// SIGKILL of the keeper at random moments, a new one each time: nothing lost, nothing twice.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"

namespace wb::test {
namespace {

std::int64_t gap_sum(const JournalContent& content) {
  std::int64_t sum = 0;
  for (const auto& gap : content.gaps) sum += gap.at("count");
  return sum;
}

// Method: one thread publishes without a pause and counts a drop when the ring is full, while keepers are killed 50
// times at random moments of up to 40 ms. Small tails, so that rotations and sealings are hit too. At the end each
// accepted record must be there once, in order, and the gap records must sum up to the drops.
TEST(KeeperKill, AtFiftyRandomMomentsUnderLoadLosesAndDoublesNothing) {
  constexpr int kKills = 50;
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  std::atomic<bool> stop{false};
  std::int64_t dropped = 0;
  std::thread load([&] {
    for (std::int64_t step = 0; !stop.load(); ++step) {
      if (!ring.publish_row(step)) {
        ring.drop(step);
        ++dropped;
        ::usleep(200);
      }
      if (step % 64 == 0) ::usleep(50);
    }
  });
  int kill_count = 0;
  for (; kill_count < kKills; ++kill_count) {
    const std::uint64_t before = ring.header().keeper.progress.load();
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR, {"--tail-bytes", "200000"}), ring.fd());
    // Every third one is killed at any moment of its start, the others once they have written something.
    const bool may_start = kill_count % 3 != 0;
    ASSERT_TRUE(!may_start || eventually([&] { return ring.header().keeper.progress.load() != before; }));
    ::usleep(static_cast<useconds_t>(random() % 40'000));
    keeper.kill(SIGKILL);
    EXPECT_EQ(keeper.wait().signal, SIGKILL);
  }
  stop.store(true);
  load.join();
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR, {"--tail-bytes", "200000"}), ring.fd());
  ASSERT_TRUE(eventually([&] { return ring.publish_finish(0); }));
  const ProcessEnd end = keeper.wait();
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  EXPECT_EQ(kill_count, kKills);
  EXPECT_GT(ring.sequence(), 20'000U);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()))
      << content.sequences.size() << " of " << ring.sequence();
  EXPECT_EQ(gap_sum(content), dropped);
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_TRUE(files_ending_in(directory.path(), ".tail").empty());
  EXPECT_TRUE(files_ending_in(directory.path(), ".tmp").empty());
  EXPECT_FALSE(ring.exists());
}

// The same at the end of a journal: between finish record, end record, sync, unlinking and sealing.
TEST(KeeperKill, AtThirtyMomentsOfTheEndLeavesACompleteJournal) {
  constexpr int kCases = 30;
  const std::uint32_t seed = std::random_device()();
  std::mt19937 random(seed);
  int case_count = 0;
  int interrupted_count = 0;
  for (; case_count < kCases; ++case_count) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " case " << case_count);
    const TempDirectory directory;
    RingMaker ring(directory.path());
    ring.publish_start();
    for (int step = 0; step < 500; ++step) ASSERT_TRUE(ring.publish_row(step));
    ring.drop(500);
    {
      KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
      ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() > 0; }));
      ASSERT_TRUE(ring.publish_finish(0));
      ring.request_sync();
      ::usleep(static_cast<useconds_t>(random() % 8'000));
      keeper.kill(SIGKILL);
      interrupted_count += keeper.wait().signal == SIGKILL ? 1 : 0;
    }
    if (ring.exists()) {
      KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
      const ProcessEnd end = keeper.wait();
      ASSERT_EQ(end.exit_code, 0) << end.errors;
      EXPECT_TRUE(files_ending_in(directory.path(), ".tail").empty());
    }
    const JournalContent content = read_only_journal(directory.path());
    ASSERT_TRUE(is_each_once(content.sequences, ring.sequence()));
    ASSERT_EQ(gap_sum(content), 1);
    ASSERT_FALSE(content.scan.ends_open);
    ASSERT_EQ(content.kinds.at(Kind::kFinish), 1);
    ASSERT_EQ(content.kinds.count(Kind::kDeath), 0U);
    ASSERT_FALSE(ring.exists());
  }
  EXPECT_EQ(case_count, kCases);
  EXPECT_GT(interrupted_count, kCases / 2);
}

// Method: strace holds the keeper up for two seconds where it unlinks the ring; there it is killed. A sealed tail was
// no longer read by the next keeper, which then wrote a death behind the finish record.
TEST(KeeperKill, BetweenTheJournalsEndAndTheRingsIsNoDeath) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  for (int step = 0; step < 50; ++step) ASSERT_TRUE(ring.publish_row(step));
  const TempDirectory trace_directory;
  const std::string trace = trace_directory.path() + "/trace";
  std::vector<std::string> program = {"strace",
                                      "-f",
                                      "-qq",
                                      "-o",
                                      trace,
                                      "-P",
                                      ring.path(),
                                      "-e",
                                      "trace=unlink",
                                      "-e",
                                      "inject=unlink:delay_enter=2000000"};
  for (const std::string& part : foreground_keeper(WB_BINARY_DIR)) program.push_back(part);
  {
    KeeperProcess keeper(program, ring.fd(), [] { ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); });
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() == ring.sequence(); }));
    ASSERT_TRUE(ring.publish_finish(0));
    ring.request_sync();
    // Its end is durable; with the ring's name still there it stands before the unlink, and may seal meanwhile.
    ASSERT_TRUE(eventually([&] { return !read_only_journal(directory.path()).scan.ends_open; }));
    ::usleep(200'000);
    ASSERT_TRUE(ring.exists());
    ::kill(ring.header().keeper.keeper_pid.load(), SIGKILL);
    keeper.wait();
  }
  KeeperProcess next(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(next.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_EQ(content.kinds.at(Kind::kFinish), 1);
  EXPECT_EQ(content.kinds.count(Kind::kDeath), 0U);
  EXPECT_EQ(files_ending_in(directory.path(), ""), (std::vector<std::string>{ring.stem() + ".000.wbj"}));
  EXPECT_FALSE(ring.exists());
}

// A trainer that is killed while it starts its keeper leaves one that comes late: a rescue may have been quicker.
TEST(KeeperKill, OneThatComesBehindTheEndLeavesTheJournalAlone) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  ASSERT_TRUE(ring.publish_finish(0));
  KeeperProcess first(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(first.wait().exit_code, 0);
  const auto files = files_ending_in(directory.path(), "");
  KeeperProcess late(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(late.wait().exit_code, 0);
  EXPECT_EQ(files_ending_in(directory.path(), ""), files);
  EXPECT_EQ(read_only_journal(directory.path()).kinds.at(Kind::kFinish), 1);
}

}  // namespace
}  // namespace wb::test
