// Run in unusual company: more config than fits, signal handlers in a forked child, closed descriptors.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/journal_content.h"
#include "wb/run.h"
#include "writer/ring.h"

namespace wb {
namespace {

using test::TempDirectory;

Options options_in(const TempDirectory& directory) {
  Options options;
  options.directory = directory.path();
  options.id = "run";
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = WB_BINARY_DIR "/bin/wbkeep";
  return options;
}

/// Rings in /dev/shm that this process has made.
std::size_t own_ring_count() {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator("/dev/shm")) {
    RingIdentity identity{};
    std::ifstream(file.path(), std::ios::binary).read(reinterpret_cast<char*>(&identity), sizeof identity);
    count +=
        std::string_view(identity.magic, sizeof identity.magic) == std::string_view(kRingMagic, sizeof kRingMagic) &&
                identity.trainer_pid == getpid()
            ? 1
            : 0;
  }
  return count;
}

TEST(Run, ThatHasMoreConfigThanFitsIntoTheRingIsRefusedAndLeavesNoFile) {
  const TempDirectory directory;
  Options options = options_in(directory);
  options.ring_bytes = kRingBytesMin;
  for (int i = 0; i < 5; ++i) {
    options.config.emplace_back("key" + std::to_string(i), "\"" + std::string(260'000, 'x') + "\"");
  }
  const std::size_t rings_before = own_ring_count();
  const auto run = Run::open(options);
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.status().code(), Code::kInvalidArgument);
  EXPECT_NE(run.status().message().find("WB_RING_BYTES"), std::string::npos) << run.status().message();
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  EXPECT_EQ(own_ring_count(), rings_before);
}

Run* handled_run = nullptr;  // NOLINT: a signal handler has no other way to it.
KeyMetric handled_metric;    // NOLINT

/// In a forked child: logs while signals come whose handler logs too. Exit code 0: the handler met the opening of the
/// child's journal and was refused; 1: it did not meet it; 2: the child's own row was refused.
[[noreturn]] void log_under_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { static_cast<void>(handled_run->log(std::span(&handled_metric, 1))); };
  sigaction(SIGPROF, &action, nullptr);
  const pid_t self = getpid();
  const pid_t sender = fork();
  if (sender == 0) {
    while (getppid() == self) kill(self, SIGPROF);
    _exit(0);
  }
  alarm(20);
  const bool accepted = handled_run->log(std::span(&handled_metric, 1));
  kill(sender, SIGKILL);
  _exit(!accepted ? 2 : handled_run->counts().dropped > 0 ? 0 : 1);
}

// Method: forked children log while a second process sends signals whose handler logs, until one came in the middle of
// a child's opening of its journal. It would wait for the thread that it interrupted; an alarm kills the child then.
TEST(RunFork, ASignalHandlerThatLogsWhileTheChildOpensItsJournalDoesNotWaitForItself) {
  const TempDirectory directory;
  auto run = Run::open(options_in(directory));
  ASSERT_TRUE(run.ok()) << run.status().message();
  handled_run = run.value().get();
  handled_metric = {run.value()->key("a").value(), 1};
  bool has_met = false;
  for (int child_count = 0; child_count < 50 && !has_met; ++child_count) {
    const pid_t child = fork();
    if (child == 0) log_under_signals();
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    ASSERT_NE(WEXITSTATUS(status), 2) << "the child's own row was refused";
    has_met = WEXITSTATUS(status) == 0;
  }
  EXPECT_TRUE(has_met) << "no handler met the opening: nothing shown";
  static_cast<void>(run.value()->finish(0));
}

TEST(Ring, LeavesAFileAloneThatTookTheNumberOfItsDescriptor) {
  RingRequest request;
  request.journal.bytes[0] = std::byte{0x5a};
  request.journal.bytes[1] = static_cast<std::byte>(getpid());
  request.directory = "/nowhere";
  request.stem = "run.r0.a0.0000005a";
  const int other = memfd_create("other", MFD_CLOEXEC);
  int number = -1;
  {
    auto ring = Ring::create(request);
    ASSERT_TRUE(ring.ok()) << ring.status().message();
    number = ring.value().descriptor();
    ASSERT_GE(number, 10);
    ASSERT_EQ(dup2(other, number), number);  // The program closed all descriptors and opened files of its own.
    EXPECT_EQ(ring.value().descriptor(), -1);
    EXPECT_TRUE(ring.value().has_keeper());
  }
  EXPECT_EQ(write(number, "x", 1), 1) << "somebody else's file was closed";
  close(number);
  close(other);
}

}  // namespace
}  // namespace wb
