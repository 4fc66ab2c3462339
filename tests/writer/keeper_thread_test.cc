// The keeper as a thread of the training process; here the test is the trainer.
#include "writer/keeper_thread.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"
#include "writer/drain.h"

namespace wb::test {
namespace {

TEST(KeeperThread, WritesACompleteTailAndLeavesTheSealing) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.lock_as_trainer();
  auto keeper = KeeperThread::start(ring.fd());
  ASSERT_TRUE(keeper.ok()) << keeper.status().message();
  ring.publish_start();
  for (std::int64_t step = 0; step < 30'000; ++step) {
    ASSERT_TRUE(eventually([&] { return ring.publish_row(step); }));
  }
  ASSERT_TRUE(eventually([&] { return ring.publish_finish(0); }));
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.state.load() == KeeperState::kDone; }));
  keeper.value().reset();
  EXPECT_FALSE(ring.exists());
  EXPECT_EQ(files_ending_in(directory.path(), ""), (std::vector<std::string>{ring.stem() + ".000.tail"}));
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_EQ(content.kinds.count(Kind::kDeath), 0U);
}

TEST(KeeperThread, KeepsAProcessFromTakingItsRing) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  auto thread = KeeperThread::start(ring.fd());
  ASSERT_TRUE(thread.ok());
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.state.load() == KeeperState::kReady; }));
  KeeperProcess process(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(process.wait().exit_code, 0);
  EXPECT_EQ(ring.header().keeper.keeper_pid.load(), ::getpid());
  ASSERT_TRUE(ring.publish_finish(0));
}

TEST(KeeperThread, ReportsADirectoryThatCannotBeMade) {
  RingMaker ring("/proc/self/nothing/run");
  auto thread = KeeperThread::start(ring.fd());
  ASSERT_TRUE(thread.ok());
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.state.load() == KeeperState::kRefused; }));
  EXPECT_NE(std::string(ring.header().keeper.status_text).find("/proc/self/nothing"), std::string::npos);
}

TEST(KeeperThread, IsSealedByTheNextRescueIfItsProcessDied) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  const pid_t child = ::fork();
  if (child == 0) {
    auto thread = KeeperThread::start(ring.fd());
    ring.publish_start();
    while (ring.header().keeper.written_sequence.load() < ring.sequence()) ::usleep(1000);
    ring.publish_row(1);
    ::_exit(1);
  }
  ring.set_trainer(child);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  KeeperProcess rescue({WB_BINARY_DIR "/bin/wbkeep", "--rescue", ring.folder()}, -1, [] { ::close(1); });
  EXPECT_EQ(rescue.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_EQ(content.sequences, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(files_ending_in(directory.path(), ".tail").empty());
  EXPECT_EQ(content.kinds.at(Kind::kDeath), 1);
}

TEST(SyncDue, OnlyForSomethingNewAndByTimeRequestOrFill) {
  const SyncFacts nothing{.requested = true, .now_ns = 10, .next_sync_ns = 5};
  EXPECT_FALSE(sync_due(nothing));
  EXPECT_TRUE(sync_due({.undurable_bytes = 8, .requested = true, .now_ns = 1, .next_sync_ns = 5}));
  EXPECT_TRUE(sync_due({.undurable_bytes = 8, .has_new_data = true, .now_ns = 5, .next_sync_ns = 5}));
  EXPECT_FALSE(sync_due({.undurable_bytes = 8, .has_new_data = true, .now_ns = 4, .next_sync_ns = 5}));
  EXPECT_FALSE(sync_due({.undurable_bytes = 8, .has_new_data = false, .now_ns = 5, .next_sync_ns = 5}));
  EXPECT_TRUE(sync_due({.undurable_bytes = kUndurableBytesMax, .now_ns = 1, .next_sync_ns = 5}));
}

TEST(RoundWait, IsTenMillisecondsUntilTheRingFillsFasterAndThenAnEighthOfIt) {
  constexpr std::int64_t kMs = 1'000'000;
  constexpr std::uint64_t kRing = 8U << 20;
  EXPECT_EQ(round_wait_ns(0, 10 * kMs, kRing), 10 * kMs);
  EXPECT_EQ(round_wait_ns(176, 10 * kMs, kRing), 10 * kMs);         // 100 rows a second.
  EXPECT_EQ(round_wait_ns(176'000, 10 * kMs, kRing), 10 * kMs);     // 100,000 rows a second.
  EXPECT_EQ(round_wait_ns(kRing / 8, 10 * kMs, kRing), 10 * kMs);   // The ring is full in 80 ms.
  EXPECT_EQ(round_wait_ns(kRing / 2, 10 * kMs, kRing), 2'500'000);  // In 20 ms.
  EXPECT_EQ(round_wait_ns(kRing, 10 * kMs, kRing), 1'250'000);
  EXPECT_EQ(round_wait_ns(kRing, 0, kRing), 100'000);
  EXPECT_EQ(round_wait_ns(kRing, -kMs, kRing), 100'000);  // Two rounds within a clock's tick.
  EXPECT_EQ(round_wait_ns(1, 3'600'000 * kMs, kRing), 10 * kMs);
}

TEST(RetryWait, GrowsFromATenthOfASecondToFive) {
  EXPECT_EQ(retry_wait_ns(1), 100'000'000);
  EXPECT_EQ(retry_wait_ns(2), 200'000'000);
  EXPECT_EQ(retry_wait_ns(6), 3'200'000'000);
  EXPECT_EQ(retry_wait_ns(7), 5'000'000'000);
  EXPECT_EQ(retry_wait_ns(UINT32_MAX), 5'000'000'000);
}

}  // namespace
}  // namespace wb::test
