// Orphaned rings: which are completed, and which are left alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"
#include "writer/ring_lock.h"

namespace wb::test {
namespace {

/// wbkeep --rescue on this folder; gives what it printed. A JSON line a ring.
std::vector<std::string> rescue(const std::string& folder, int expected_exit_code = 0) {
  const std::string output = folder + "/output";
  const int file = ::open(output.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  KeeperProcess process({WB_BINARY_DIR "/bin/wbkeep", "--rescue", folder}, -1, [file] { ::dup2(file, 1); });
  const ProcessEnd end = process.wait();
  EXPECT_EQ(end.exit_code, expected_exit_code) << end.errors;
  ::close(file);
  std::ifstream text(output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

/// Makes the ring an orphan: a trainer that is gone.
void orphan(RingMaker& ring) {
  ring.header().identity.trainer_start_ticks += 1;
}

TEST(KeeperRescue, CompletesTheJournalOfAnOrphanAndSaysSoInOneLine) {
  const TempDirectory directory;
  const std::string run = directory.path() + "/a \"quoted\" run";
  RingMaker ring(run);
  ring.publish_start();
  for (int step = 0; step < 100; ++step) ASSERT_TRUE(ring.publish_row(step));
  ring.drop(100);
  orphan(ring);
  const std::string path = ring.path();
  const auto lines = rescue(ring.folder());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "{\"ring\":\"" + path + "\",\"directory\":\"" + directory.path() +
                          "/a \\\"quoted\\\" run\",\"records\":102,\"status\":\"ok\",\"message\":\"\"}");
  EXPECT_FALSE(ring.exists());
  EXPECT_EQ(files_ending_in(run, ""), (std::vector<std::string>{ring.stem() + ".000.wbj"}));
  const JournalContent content = read_only_journal(run);
  EXPECT_TRUE(is_each_once(content.sequences, 102));
  EXPECT_EQ(content.gaps.size(), 1U);
  EXPECT_EQ(content.deaths.size(), 1U);
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_TRUE(rescue(ring.folder()).empty());
}

TEST(KeeperRescue, ContinuesWhereTheKilledKeeperStopped) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  {
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() == ring.sequence(); }));
  }
  for (int step = 0; step < 50; ++step) ASSERT_TRUE(ring.publish_row(step));
  orphan(ring);
  EXPECT_EQ(rescue(ring.folder()).size(), 1U);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_TRUE(content.scan.damage.empty());
}

TEST(KeeperRescue, LeavesRingsInUseAndFilesThatAreNoneOfOursAlone) {
  const TempDirectory directory;
  const TempDirectory folder;
  int case_count = 0;
  const auto expect_untouched = [&](const std::string& path) {
    EXPECT_TRUE(rescue(folder.path()).empty());
    EXPECT_EQ(::access(path.c_str(), F_OK), 0) << path;
    ++case_count;
  };
  const std::string prefix = "/wb-" + std::to_string(::geteuid()) + "-";
  {
    RingMaker living(directory.path(), kRingBytesMin, folder.path());  // This process is its trainer.
    living.publish_start();
    expect_untouched(living.path());
  }
  {
    RingMaker locked(directory.path(), kRingBytesMin, folder.path());
    orphan(locked);
    locked.lock_as_trainer();  // A trainer whose pid cannot be seen from here.
    expect_untouched(locked.path());
  }
  {
    RingMaker readable(directory.path(), kRingBytesMin, folder.path());
    orphan(readable);
    ASSERT_EQ(::chmod(readable.path().c_str(), 0644), 0);
    expect_untouched(readable.path());
  }
  {
    RingMaker kept(directory.path(), kRingBytesMin, folder.path());
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), kept.fd());
    ASSERT_TRUE(eventually([&] { return kept.header().keeper.state.load() == KeeperState::kReady; }));
    orphan(kept);
    expect_untouched(kept.path());
  }
  const std::string link = folder.path() + prefix + std::string(32, 'a') + ".ring";
  ASSERT_EQ(::symlink("/etc/passwd", link.c_str()), 0);
  expect_untouched(link);
  std::filesystem::remove(link);
  ASSERT_EQ(::mkfifo(link.c_str(), 0600), 0);
  expect_untouched(link);
  EXPECT_EQ(case_count, 6);
}

TEST(KeeperRescue, NamesAFileThatIsNoRingAndLeavesIt) {
  const TempDirectory folder;
  const std::string path = folder.path() + "/wb-" + std::to_string(::geteuid()) + "-" + std::string(32, 'b') + ".ring";
  std::ofstream(path) << std::string(100'000, 'x');
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const auto lines = rescue(folder.path(), 1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("\"status\":\"corrupt\",\"message\":\"not a ring\""), std::string::npos) << lines[0];
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

// A trainer killed in init, between the ring's allocation and its magic, left 8 MiB of memory behind for ever.
TEST(KeeperRescue, RemovesARingWhoseTrainerWasKilledWhileItMadeIt) {
  const TempDirectory folder;
  const std::string path = folder.path() + "/wb-" + std::to_string(::geteuid()) + "-" + std::string(32, 'c') + ".ring";
  const auto make = [&](std::size_t bytes) {
    std::ofstream(path) << std::string(bytes, '\0');
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  };
  make(0);  // Its maker may be about to lock it.
  EXPECT_TRUE(rescue(folder.path()).empty());
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  const timespec long_ago[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0), 0);
  EXPECT_TRUE(rescue(folder.path()).empty());
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  make(1U << 20);
  const int maker = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_TRUE(lock_ring(maker, kTrainerLockByte));
  EXPECT_TRUE(rescue(folder.path()).empty());
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  ::close(maker);
  EXPECT_TRUE(rescue(folder.path()).empty());
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(KeeperRescue, LeavesARingWhoseDirectoryCannotBeMadeForLater) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/file") << "in the way";
  RingMaker ring(directory.path() + "/file/run");
  ring.publish_start();
  orphan(ring);
  const auto lines = rescue(ring.folder(), 1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("Not a directory"), std::string::npos) << lines[0];
  EXPECT_TRUE(ring.exists());
  std::filesystem::remove(directory.path() + "/file");
  EXPECT_EQ(rescue(ring.folder()).size(), 1U);
  EXPECT_FALSE(ring.exists());
  EXPECT_TRUE(is_each_once(read_only_journal(directory.path() + "/file/run").sequences, ring.sequence()));
}

TEST(KeeperRescue, TheNextKeeperOnThisNodeDoesItBesideItsOwnWork) {
  const TempDirectory mine;
  const TempDirectory others;
  RingMaker ring(mine.path());
  RingMaker left(others.path(), kRingBytesMin, ring.folder());
  left.publish_start();
  for (int step = 0; step < 10; ++step) ASSERT_TRUE(left.publish_row(step));
  orphan(left);
  ring.publish_start();
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_TRUE(eventually([&] { return !left.exists(); }));
  ASSERT_TRUE(ring.publish_finish(0));
  EXPECT_EQ(keeper.wait().exit_code, 0);
  EXPECT_TRUE(is_each_once(read_only_journal(others.path()).sequences, left.sequence()));
  EXPECT_TRUE(is_each_once(read_only_journal(mine.path()).sequences, ring.sequence()));
}

}  // namespace
}  // namespace wb::test
