// The real wbkeep on a healthy disk: everything drained, sealed, nothing left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "schema/bytes.h"
#include "schema/limits.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"

namespace wb::test {
namespace {

using Names = std::vector<std::string>;

bool is_durable(RingMaker& ring) {
  return ring.header().keeper.durable_sequence.load() == ring.sequence() && ring.sequence() > 0;
}

TEST(Keeper, DrainsARingIntoOneSealedFileAndRemovesTheRing) {
  const TempDirectory directory;
  const std::string run = directory.path() + "/runs/testrun";
  RingMaker ring(run);
  ring.publish_start();
  for (int step = 0; step < 1000; ++step) ASSERT_TRUE(ring.publish_row(step));
  ASSERT_TRUE(ring.publish_finish(0));
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  const ProcessEnd end = keeper.wait();
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  EXPECT_EQ(end.errors, "");
  EXPECT_FALSE(ring.exists());
  EXPECT_EQ(ring.header().keeper.state.load(), KeeperState::kSealed);
  EXPECT_EQ(ring.header().keeper.durable_sequence.load(), ring.sequence());
  EXPECT_EQ(files_ending_in(run, ""), Names{ring.stem() + ".000.wbj"});
  const JournalContent content = read_only_journal(run);
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_EQ(content.steps.size(), 1000U);
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_TRUE(content.scan.damage.empty());
  EXPECT_EQ(content.kinds.count(Kind::kDeath), 0U);
}

TEST(Keeper, DrainsWhileTheRingWrapsAroundManyTimes) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ring.publish_start();
  std::int64_t step = 0;
  while (ring.header().producer.head.load() < 5 * kRingBytesMin) {
    ASSERT_TRUE(eventually([&] { return ring.publish_row(step); }));
    ++step;
  }
  ASSERT_TRUE(eventually([&] { return ring.publish_finish(0); }));
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_GT(step, 40'000);  // Or it would not have wrapped.
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
}

// The keeper takes the ring in batches of 256 KiB: frames lie across their ends, and some are longer than one.
TEST(Keeper, TakesFramesOfEveryLengthUpToTheLongest) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ring.publish_start();
  const std::vector<std::byte> bytes(kFramePayloadBytesMax, std::byte{7});
  int frame_count = 0;
  for (int lap = 0; lap < 6; ++lap) {
    for (const std::size_t length : {std::size_t{8}, std::size_t{200} << 10, kFramePayloadBytesMax, std::size_t{1000},
                                     kFramePayloadBytesMax - 1, std::size_t{257} << 10, std::size_t{64} << 10}) {
      ASSERT_TRUE(eventually([&] { return ring.publish(Kind::kChunk, std::span(bytes).first(length)); }));
      ASSERT_TRUE(eventually([&] { return ring.publish_row(frame_count); }));
      ++frame_count;
    }
  }
  ASSERT_TRUE(eventually([&] { return ring.publish_finish(0); }));
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_EQ(frame_count, 42);
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_EQ(content.kinds.at(Kind::kChunk), frame_count);
  EXPECT_TRUE(content.scan.damage.empty());
}

TEST(Keeper, StartsTheNextFileWhenATailIsFullAndEachFileCanBeReadAlone) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR, {"--tail-bytes", "65536"}), ring.fd());
  ring.publish_start();
  for (std::int64_t step = 0; step < 20'000; ++step) {
    ASSERT_TRUE(eventually([&] { return ring.publish_row(step); }));
    if (step % 1000 == 999) {
      // Small rounds, or one batch would be larger than many tails.
      ASSERT_TRUE(eventually([&] { return ring.header().keeper.tail.load() == ring.header().producer.head.load(); }));
    }
  }
  ASSERT_TRUE(ring.publish_finish(0));
  const ProcessEnd end = keeper.wait();
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  const Names names = files_ending_in(directory.path(), "");
  ASSERT_GE(names.size(), 10U);
  for (const std::string& name : names) EXPECT_TRUE(name.ends_with(".wbj")) << name;
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_TRUE(content.scan.damage.empty()) << content.scan.damage[0].path << ": " << content.scan.damage[0].what;

  const TempDirectory alone;
  std::filesystem::copy(directory.path() + "/" + names[3], alone.path());
  const JournalContent part = read_only_journal(alone.path());
  EXPECT_EQ(part.kinds.at(Kind::kSnapshot), 1);
  EXPECT_EQ(part.kinds.at(Kind::kKeySnapshot), 1);
  EXPECT_GT(part.kinds.at(Kind::kRow), 100);
}

TEST(Keeper, SyncsAtOnceWhenAskedAndNeverForNothing) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.header().identity.sync_interval_ms = 3'600'000;
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ring.publish_start();
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() == ring.sequence(); }));
  EXPECT_EQ(ring.header().keeper.durable_sequence.load(), 0U);
  for (std::uint64_t request = 1; request <= 3; ++request) {
    ASSERT_TRUE(ring.publish_row(0));
    ring.request_sync();
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.synced_request.load() == request; }));
    EXPECT_TRUE(is_durable(ring));
  }
  ring.request_sync();  // Nothing new: answered all the same.
  EXPECT_TRUE(eventually([&] { return ring.header().keeper.synced_request.load() == 4; }));
}

TEST(Keeper, RecordsASigtermWithItsSenderSyncsAndGoesOn) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.header().identity.sync_interval_ms = 3'600'000;
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ring.publish_start();
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() == ring.sequence(); }));
  keeper.kill(SIGTERM);
  EXPECT_TRUE(eventually([&] { return is_durable(ring); }));
  ASSERT_TRUE(ring.publish_finish(0));
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  ASSERT_EQ(content.signals.size(), 1U);
  EXPECT_EQ(content.signals[0].at("signal"), SIGTERM);
  EXPECT_EQ(content.signals[0].at("sender_pid"), ::getpid());
  EXPECT_EQ(content.signals[0].at("sender_uid"), static_cast<std::int64_t>(::getuid()));
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
}

TEST(Keeper, LeavesARingAloneThatAnotherKeeperHas) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  KeeperProcess first(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.state.load() == KeeperState::kReady; }));
  KeeperProcess second(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(second.wait().exit_code, 0);
  EXPECT_EQ(ring.header().keeper.keeper_pid.load(), first.pid());
  EXPECT_EQ(files_ending_in(directory.path(), "").size(), 1U);
  ASSERT_TRUE(ring.publish_finish(0));
  EXPECT_EQ(first.wait().exit_code, 0);
  EXPECT_TRUE(is_each_once(read_only_journal(directory.path()).sequences, ring.sequence()));
}

TEST(Keeper, NamesDropsInOneExactGapRecordAPiece) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  for (std::int64_t step = 10; step < 15; ++step) ring.drop(step);
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.dropped_recorded.load() == 5; }));
  for (std::int64_t step = 20; step < 23; ++step) ring.drop(step);
  ASSERT_TRUE(ring.publish_finish(0));
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  ASSERT_EQ(content.gaps.size(), 2U);
  EXPECT_EQ(content.gaps[0].at("count"), 5);
  EXPECT_EQ(content.gaps[0].at("first_step"), 10);
  EXPECT_EQ(content.gaps[0].at("last_step"), 14);
  EXPECT_EQ(content.gaps[1].at("count"), 3);
  EXPECT_EQ(content.gaps[1].at("first_step"), 20);
  EXPECT_EQ(content.gaps[1].at("last_step"), 22);
}

TEST(Keeper, GoesOnBehindARecordThatTheProgramOverwrote) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  const std::uint64_t hit = ring.header().producer.head.load();
  for (std::int64_t step = 0; step < 10; ++step) ASSERT_TRUE(ring.publish_row(step));
  ring.overwrite(hit + 30, 8);
  ASSERT_TRUE(ring.publish_finish(0));
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_EQ(content.sequences.size(), ring.sequence() - 1);
  EXPECT_EQ(content.steps, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Keeper, AsADaemonHoldsNothingOfItsParent) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  KeeperProcess starter({WB_BINARY_DIR "/bin/wbkeep"}, ring.fd(), [] {
    ::dup2(0, 77);  // A descriptor that must not stay open.
  });
  EXPECT_EQ(starter.wait().exit_code, 0);
  ASSERT_TRUE(eventually([&] { return is_durable(ring); }));
  const pid_t pid = ring.header().keeper.keeper_pid.load();
  const std::string process = "/proc/" + std::to_string(pid);
  for (const char* fd : {"0", "1", "2"}) {
    EXPECT_EQ(std::filesystem::read_symlink(process + "/fd/" + fd), "/dev/null");
  }
  EXPECT_EQ(std::filesystem::read_symlink(process + "/fd/3"), ring.path());
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(process + "/fd/77")));
  EXPECT_EQ(std::filesystem::read_symlink(process + "/cwd"), "/");
  EXPECT_NE(::getsid(pid), ::getsid(0));
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(pid)), 10);
  ASSERT_TRUE(ring.publish_finish(0));
  ASSERT_TRUE(eventually([&] { return files_ending_in(directory.path(), ".wbj").size() == 1; }));
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
}

}  // namespace
}  // namespace wb::test
