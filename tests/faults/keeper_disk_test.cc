// Full, refusing and failing disks under the real wbkeep.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "schema/frame.h"
#include "schema/journal_name.h"
#include "schema/record.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"
#include "writer/tail_writer.h"

namespace wb::test {
namespace {

std::int64_t gap_sum(const JournalContent& content) {
  std::int64_t sum = 0;
  for (const auto& gap : content.gaps) sum += gap.at("count");
  return sum;
}

Code status_code(RingMaker& ring) {
  return static_cast<Code>(ring.header().keeper.status_code.load());
}

bool has_state(RingMaker& ring, KeeperState state) {
  return ring.header().keeper.state.load() == state;
}

/// Publishes rows until the ring is full, then drops `drop_count` rows. Gives the next step.
std::int64_t fill_and_drop(RingMaker& ring, std::int64_t step, int drop_count) {
  while (ring.publish_row(step)) ++step;
  for (int i = 0; i < drop_count; ++i) ring.drop(step++);
  return step;
}

/// Ends the run and checks that all that was accepted is there, and all drops are named.
void expect_complete(RingMaker& ring, KeeperProcess& keeper, const std::string& directory, std::int64_t dropped) {
  ASSERT_TRUE(eventually([&] { return ring.publish_finish(0); }));
  const ProcessEnd end = keeper.wait();
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  const JournalContent content = read_only_journal(directory);
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()))
      << content.sequences.size() << " of " << ring.sequence();
  EXPECT_EQ(gap_sum(content), dropped);
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_TRUE(files_ending_in(directory, ".tail").empty());
  EXPECT_TRUE(files_ending_in(directory, ".tmp").empty());
  EXPECT_FALSE(ring.exists());
}

/// A file system of one's own, unmounted with its scope. Needs root.
class Mount {
 public:
  Mount(const std::string& path, const std::string& options, unsigned long flags = 0) : path_(path) {
    std::filesystem::create_directories(path);
    EXPECT_EQ(::mount("wbtest", path.c_str(), "tmpfs", flags, options.c_str()), 0) << ::strerror(errno);
  }
  ~Mount() { ::umount2(path_.c_str(), MNT_DETACH); }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

 private:
  std::string path_;
};

/// From now on each write of the process to a file fails with EFBIG, or no longer does.
void set_disk_full(pid_t pid, bool full) {
  const rlimit limit{full ? 0 : RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr), 0);
}

// Method: the keeper's file size limit is set to 0, as a disk without space would, while it runs; the ring is filled
// and rows are dropped; then the limit goes. Three times in one journal.
TEST(KeeperDisk, FullIsToldTheDropsAreNamedExactlyAndItGoesOnBySelf) {
  constexpr int kCases = 3;
  const TempDirectory directory;
  RingMaker ring(directory.path());
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ring.publish_start();
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.durable_sequence.load() == ring.sequence(); }));
  std::int64_t step = 0;
  std::int64_t dropped = 0;
  int case_count = 0;
  for (; case_count < kCases; ++case_count) {
    set_disk_full(keeper.pid(), true);
    step = fill_and_drop(ring, step, 7 + case_count);
    dropped += 7 + case_count;
    ASSERT_TRUE(eventually([&] { return has_state(ring, KeeperState::kFailing); }));
    EXPECT_EQ(status_code(ring), Code::kNoSpace);
    const std::string text = ring.header().keeper.status_text;
    EXPECT_NE(text.find(directory.path()), std::string::npos) << text;
    set_disk_full(keeper.pid(), false);
    ASSERT_TRUE(eventually([&] { return has_state(ring, KeeperState::kReady); }));
    ASSERT_TRUE(eventually(
        [&] { return ring.header().keeper.dropped_recorded.load() == static_cast<std::uint64_t>(dropped); }));
  }
  EXPECT_EQ(case_count, kCases);
  expect_complete(ring, keeper, directory.path(), dropped);
}

// The same on a real small file system that fills up and is cleared. Only root can mount one; the test above covers the
// rest for everybody.
TEST(KeeperDisk, FullTmpfsResumesWhenSpaceReturns) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount a file system of 1 MiB";
  const TempDirectory directory;
  const std::string disk = directory.path() + "/disk";
  const Mount mount(disk, "size=4m");
  RingMaker ring(disk + "/runs/testrun");
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ring.publish_start();
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.durable_sequence.load() == ring.sequence(); }));
  {
    std::ofstream filler(disk + "/filler");
    const std::string block(4096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  fill_and_drop(ring, 0, 11);
  ASSERT_TRUE(eventually([&] { return has_state(ring, KeeperState::kFailing); }));
  EXPECT_EQ(status_code(ring), Code::kNoSpace);
  EXPECT_NE(std::string(ring.header().keeper.status_text).find("free space"), std::string::npos);
  std::filesystem::remove(disk + "/filler");
  ASSERT_TRUE(eventually([&] { return has_state(ring, KeeperState::kReady); }));
  expect_complete(ring, keeper, disk + "/runs/testrun", 11);
}

/// wbkeep under strace, which makes one system call fail where it touches the journal's directory or a tail.
std::vector<std::string> keeper_with_fault(RingMaker& ring, const std::string& call, const std::string& fault,
                                           const std::string& trace) {
  std::vector<std::string> program = {
      "strace", "-f", "-qq", "-o", trace, "-e", "trace=" + call, "-e", "inject=" + call + ":" + fault};
  program.insert(program.end(), {"-P", ring.header().directory});
  for (std::uint32_t number = 0; number < 50; ++number) {
    program.push_back("-P");
    program.push_back(std::string(ring.header().directory) + "/" + journal_file(ring.stem(), number, FileKind::kTail));
  }
  for (const std::string& part : foreground_keeper(WB_BINARY_DIR)) program.push_back(part);
  return program;
}

/// Publishes in small pieces, each asked to be durable, through a keeper with this fault.
void expect_no_loss_with(const std::string& call, const std::string& fault) {
  SCOPED_TRACE(call + ":" + fault);
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  const TempDirectory trace_directory;
  const std::string trace = trace_directory.path() + "/trace";
  KeeperProcess keeper(keeper_with_fault(ring, call, fault, trace), ring.fd(),
                       [] { ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); });
  for (int piece = 0; piece < 6; ++piece) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(ring.publish_row(piece * 50 + i));
    if (piece == 2) ring.drop(1000);
    ring.request_sync();
    const std::uint64_t request = ring.header().producer.sync_request.load();
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.synced_request.load() == request; }))
        << "state " << static_cast<int>(ring.header().keeper.state.load()) << ": " << ring.header().keeper.status_text;
    ASSERT_EQ(ring.header().keeper.durable_sequence.load(), ring.sequence());
  }
  expect_complete(ring, keeper, directory.path(), 1);
  std::ifstream traced(trace);
  const std::string calls(std::istreambuf_iterator<char>(traced), {});
  EXPECT_NE(calls.find("(INJECTED)"), std::string::npos) << "the keeper never came to the call that was to fail";
}

TEST(KeeperDisk, AFailedSyncIsAnsweredByANewTailWithoutLoss) {
  int case_count = 0;
  for (const char* when : {"1", "2", "3", "5", "1..3", "2+4"}) {
    expect_no_loss_with("fdatasync", std::string("error=EIO:when=") + when);
    ++case_count;
  }
  EXPECT_EQ(case_count, 6);
}

// Only at the first sync: init does not wait for it. A directory that cannot be synced then counts as a failed sync.
TEST(KeeperDisk, ATailHasADurableNameBeforeItsFirstRecordIsDurable) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  const TempDirectory trace_directory;
  const std::string trace = trace_directory.path() + "/trace";
  KeeperProcess keeper(keeper_with_fault(ring, "fsync", "error=EIO:when=1", trace), ring.fd(),
                       [] { ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); });
  ring.request_sync();
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.durable_sequence.load() == ring.sequence(); }));
  std::ifstream traced(trace);
  const std::string calls(std::istreambuf_iterator<char>(traced), {});
  EXPECT_NE(calls.find("EIO (Input/output error) (INJECTED)"), std::string::npos) << calls;
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/" + journal_file(ring.stem(), 1, FileKind::kTail)));
  expect_complete(ring, keeper, directory.path(), 0);
}

TEST(KeeperDisk, AFailedWriteIsAnsweredByANewTailWithoutLoss) {
  int case_count = 0;
  // The first write is the head of tail 0: a failure there is refused. A recovery takes three.
  for (const char* fault : {"error=EIO:when=2", "error=EIO:when=4", "error=EDQUOT:when=3..5", "error=ENOSPC:when=2+4",
                            "error=EINTR:when=2+2"}) {
    expect_no_loss_with("write", fault);
    ++case_count;
  }
  EXPECT_EQ(case_count, 5);
}

TEST(KeeperDisk, AJournalThatCannotBeCreatedIsRefusedWithPathAndAdvice) {
  const TempDirectory directory;
  struct Case {
    std::string path;
    Code code;
    std::string text;
  };
  std::ofstream(directory.path() + "/file") << "in the way";
  std::vector<Case> cases = {
      {directory.path() + "/file/testrun", Code::kIoError, "Not a directory"},
      {directory.path() + "/" + std::string(300, 'x'), Code::kIoError, "File name too long"},
  };
  std::unique_ptr<Mount> mount;
  const std::string read_only = directory.path() + "/readonly";
  if (::geteuid() == 0) {
    mount = std::make_unique<Mount>(read_only, "size=1m", MS_RDONLY);
    cases.push_back({read_only + "/runs/testrun", Code::kPermission, "WB_DIR"});
  } else {
    std::filesystem::create_directory(read_only);
    ::chmod(read_only.c_str(), 0555);
    cases.push_back({read_only + "/runs/testrun", Code::kPermission, "WB_DIR"});
  }
  int case_count = 0;
  for (const Case& refused : cases) {
    SCOPED_TRACE(refused.path);
    RingMaker ring(refused.path);
    ring.publish_start();
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
    const ProcessEnd end = keeper.wait();
    EXPECT_EQ(end.exit_code, 1);
    EXPECT_TRUE(has_state(ring, KeeperState::kRefused));
    EXPECT_EQ(status_code(ring), refused.code);
    const std::string text = ring.header().keeper.status_text;
    EXPECT_NE(text.find(directory.path()), std::string::npos) << text;
    EXPECT_NE(text.find(refused.text), std::string::npos) << text;
    EXPECT_NE(end.errors.find(text), std::string::npos) << end.errors;
    EXPECT_TRUE(ring.exists());
    EXPECT_EQ(ring.header().keeper.reply.load(), 1U);
    ++case_count;
  }
  EXPECT_EQ(case_count, 3);
}

TEST(KeeperDisk, AFullDiskAtTheStartIsRefusedAndLeavesNoFile) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd(), [] {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_FSIZE, &none);
  });
  EXPECT_EQ(keeper.wait().exit_code, 1);
  EXPECT_EQ(status_code(ring), Code::kNoSpace);
  EXPECT_TRUE(files_ending_in(directory.path(), "").empty());
}

// A second keeper of a journal that exists must not refuse: the trainer went on long ago.
TEST(KeeperDisk, AFullDiskAtTheStartOfALaterKeeperIsWaitedFor) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  {
    KeeperProcess first(foreground_keeper(WB_BINARY_DIR), ring.fd());
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.durable_sequence.load() == ring.sequence(); }));
  }
  KeeperProcess second(foreground_keeper(WB_BINARY_DIR), ring.fd(), [] {
    const rlimit none{0, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &none);
  });
  ASSERT_TRUE(eventually([&] { return has_state(ring, KeeperState::kFailing); }));
  ASSERT_TRUE(ring.publish_row(1));
  set_disk_full(second.pid(), false);
  expect_complete(ring, second, directory.path(), 0);
}

// Method: the first keeper is killed and left as one whose last sync had failed; a sync of the same file by another
// descriptor would succeed, since the kernel tells of lost pages once. The first tail is then taken away.
TEST(KeeperDisk, WhatAKilledKeeperCouldNotSyncIsWrittenAnewByTheNext) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  {
    KeeperProcess first(foreground_keeper(WB_BINARY_DIR), ring.fd());
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.durable_sequence.load() == ring.sequence(); }));
  }
  RingKeeper& words = ring.header().keeper;
  const std::uint64_t durable = 1;  // The run record; not the key and not what followed.
  words.state.store(KeeperState::kFailing);
  words.durable_sequence.store(durable);
  const std::string first_tail = directory.path() + "/" + journal_file(ring.stem(), 0, FileKind::kTail);
  const std::string aside = first_tail + ".aside";
  std::filesystem::copy_file(first_tail, aside);
  KeeperProcess second(foreground_keeper(WB_BINARY_DIR), ring.fd());
  ASSERT_TRUE(eventually([&] { return words.durable_sequence.load() == ring.sequence(); }));
  ASSERT_TRUE(eventually([&] { return !std::filesystem::exists(first_tail); }));  // Sealed.
  std::filesystem::remove(directory.path() + "/" + journal_file(ring.stem(), 0, FileKind::kSegment));
  std::filesystem::remove(aside);
  ASSERT_TRUE(ring.publish_finish(0));
  EXPECT_EQ(second.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  std::vector<std::uint64_t> expected;
  for (std::uint64_t sequence = durable + 1; sequence <= ring.sequence(); ++sequence) expected.push_back(sequence);
  EXPECT_EQ(content.sequences, expected);
}

TEST(KeeperDisk, AJournalThatSomebodyDeletesGoesOnInANewFile) {
  const TempDirectory directory;
  const std::string run_directory = directory.path() + "/run";
  RingMaker ring(run_directory);
  ring.publish_start();
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  RingKeeper& words = ring.header().keeper;
  ASSERT_TRUE(eventually([&] { return words.durable_sequence.load() == ring.sequence(); }));
  const std::uint64_t lost = ring.sequence();
  std::filesystem::remove_all(run_directory);
  for (std::int64_t step = 0; step < 5; ++step) ASSERT_TRUE(ring.publish_row(step));
  ring.request_sync();
  ASSERT_TRUE(eventually([&] { return words.durable_sequence.load() == ring.sequence(); }));
  ASSERT_TRUE(ring.publish_finish(0));
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(run_directory);
  std::vector<std::uint64_t> expected;
  for (std::uint64_t sequence = lost + 1; sequence <= ring.sequence(); ++sequence) expected.push_back(sequence);
  EXPECT_EQ(content.sequences, expected);
  EXPECT_EQ(content.steps.size(), 5U);
}

// Method: the next tail's head fits below the file size limit, its snapshot does not.
TEST(KeeperDisk, AFullTailIsNotSealedBeforeTheNextOneStands) {
  const TempDirectory directory;
  const JournalPlace place{directory.path(), "run.r0.a0.00000000", Uuid{}};
  auto writer = TailWriter::open(place, 1, std::nullopt);
  ASSERT_TRUE(writer.ok()) << writer.status().message();
  std::vector<std::byte> key(frame_bytes(key_record_bytes("loss")));
  encode_key(key.data() + kFrameHeadBytes, 0, "loss");
  seal_frame(key.data(), key_record_bytes("loss"), Kind::kKey, 0, 1, place.journal.salt());
  ASSERT_TRUE(writer.value()->append(key).ok());
  constexpr std::size_t kEndFrameBytes = 32;
  const auto size = std::filesystem::file_size(directory.path() + "/" + journal_file(place.stem, 0, FileKind::kTail));
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{size + kEndFrameBytes, RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const Status status = writer.value()->rotate_if_full();
  const auto completed = writer.value()->take_completed();
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  EXPECT_EQ(status.code(), Code::kNoSpace) << status.message();
  EXPECT_TRUE(completed.empty());
  ASSERT_TRUE(writer.value()->recover().ok());
  EXPECT_EQ(writer.value()->take_completed(), std::vector<std::uint32_t>{0});
}

}  // namespace
}  // namespace wb::test
