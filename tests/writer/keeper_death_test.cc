// What the keeper does when the trainer ends without a word.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"

namespace wb::test {
namespace {

/// A forked child that takes the trainer's lock and then does `work`.
class Trainer {
 public:
  Trainer(RingMaker& ring, const std::function<void()>& work) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ring.lock_as_trainer();
      work();
      ::_exit(0);
    }
    ring.set_trainer(pid_);
  }
  ~Trainer() { collect(); }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  pid_t pid() const { return pid_; }
  void kill(int signal) const { ::kill(pid_, signal); }
  void collect() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

[[noreturn]] void publish_for_ever(RingMaker& ring) {
  ring.publish_start();
  for (std::int64_t step = 0;;) {
    if (ring.publish_row(step)) ++step;
  }
}

// Method: a child publishes as fast as it can and is killed at a random moment, 20 times. What its ring says it
// published must be in the journal, with a death record that knows the signal.
TEST(KeeperDeath, EveryPublishedRecordOfAKilledTrainerIsInTheJournalWithItsDeath) {
  constexpr int kCases = 20;
  const std::uint32_t seed = std::random_device()();
  std::mt19937 random(seed);
  int case_count = 0;
  std::uint64_t record_count = 0;
  for (; case_count < kCases; ++case_count) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " case " << case_count);
    const TempDirectory directory;
    RingMaker ring(directory.path());
    Trainer trainer(ring, [&] { publish_for_ever(ring); });
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() > 0; }));
    ::usleep(static_cast<useconds_t>(random() % 30'000));
    trainer.kill(SIGKILL);
    const ProcessEnd end = keeper.wait();
    ASSERT_EQ(end.exit_code, 0) << end.errors;
    trainer.collect();  // Only now: until then /proc tells how it ended.
    const JournalContent content = read_only_journal(directory.path());
    // The child may have died between the stores of head and of its hint: head is what counts.
    const std::uint64_t published = ring.header().producer.accepted_sequence.load();
    ASSERT_TRUE(is_each_once(content.sequences, published) || is_each_once(content.sequences, published - 1));
    ASSERT_EQ(ring.header().keeper.tail.load(), ring.header().producer.head.load());
    ASSERT_EQ(content.deaths.size(), 1U);
    EXPECT_EQ(content.deaths[0].at("signal"), SIGKILL);
    EXPECT_FALSE(content.scan.ends_open);
    EXPECT_FALSE(ring.exists());
    record_count += published;
  }
  EXPECT_EQ(case_count, kCases);
  EXPECT_GT(record_count, 20'000U);
}

TEST(KeeperDeath, KnowsTheExitCode) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  Trainer trainer(ring, [&] {
    ring.publish_start();
    while (ring.header().keeper.written_sequence.load() == 0) ::usleep(1000);
    ::_exit(3);
  });
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  ASSERT_EQ(content.deaths.size(), 1U);
  EXPECT_EQ(content.deaths[0].at("exit_code"), 3);
  EXPECT_EQ(content.deaths[0].count("signal"), 0U);
}

TEST(KeeperDeath, AFinishBeforeTheExitIsNoDeath) {
  constexpr int kCases = 20;  // Finish and exit lie microseconds apart: either may be seen first.
  int case_count = 0;
  for (; case_count < kCases; ++case_count) {
    const TempDirectory directory;
    RingMaker ring(directory.path());
    Trainer trainer(ring, [&] {
      ring.publish_start();
      while (ring.header().keeper.written_sequence.load() == 0) ::usleep(100);
      ring.publish_finish(0);
    });
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
    ASSERT_EQ(keeper.wait().exit_code, 0);
    const JournalContent content = read_only_journal(directory.path());
    ASSERT_EQ(content.kinds.count(Kind::kFinish), 1U);
    ASSERT_EQ(content.kinds.count(Kind::kDeath), 0U);
    ASSERT_FALSE(content.scan.ends_open);
  }
  EXPECT_EQ(case_count, kCases);
}

TEST(KeeperDeath, ATrainerThatWasGoneBeforeTheKeeperStartedIsRecordedAsDead) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  {
    Trainer trainer(ring, [&] { publish_for_ever(ring); });
    ASSERT_TRUE(eventually([&] { return ring.header().producer.accepted_sequence.load() > 100; }));
  }
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_GT(content.sequences.size(), 100U);
  EXPECT_EQ(content.kinds.at(Kind::kDeath), 1);
}

TEST(KeeperDeath, AReusedPidIsNotTheTrainer) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  ring.publish_start();
  ring.header().identity.trainer_start_ticks += 1;  // This very process, but started at another time.
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  EXPECT_EQ(keeper.wait().exit_code, 0);
  EXPECT_EQ(read_only_journal(directory.path()).kinds.at(Kind::kDeath), 1);
}

TEST(KeeperDeath, ReplacingTheProgramByExecEndsTheJournal) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  int go[2];
  ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
  Trainer trainer(ring, [&] {
    ring.publish_start();
    char byte;
    if (::read(go[0], &byte, 1) == 1) ::execlp("sleep", "sleep", "60", nullptr);
  });
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  // The keeper has to have seen the lock once; it looks every second.
  ::usleep(1'500'000);
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(keeper.wait().exit_code, 0);
  EXPECT_EQ(::kill(trainer.pid(), 0), 0);
  EXPECT_EQ(read_only_journal(directory.path()).kinds.at(Kind::kDeath), 1);
  ::close(go[0]);
  ::close(go[1]);
}

TEST(KeeperDeath, ClosingAllDescriptorsIsNoDeath) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  int go[2];
  ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
  Trainer trainer(ring, [&] {
    ring.publish_start();
    char byte;
    if (::read(go[0], &byte, 1) != 1) return;
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
    ::sleep(4);  // The keeper looks at the lock every second.
    for (std::int64_t step = 0; step < 10; ++step) ring.publish_row(step);
    ring.publish_finish(0);
    ::pause();
  });
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  // The keeper has to have seen the lock once.
  ::usleep(1'500'000);
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(keeper.wait().exit_code, 0);
  const JournalContent content = read_only_journal(directory.path());
  EXPECT_EQ(content.kinds.count(Kind::kDeath), 0U);
  EXPECT_EQ(content.steps.size(), 10U);
  ::close(go[0]);
  ::close(go[1]);
}

// Linux 4.18 has neither pidfd_open nor close_range.
TEST(KeeperDeath, IsNoticedWithoutPidfdsByTheRingsLock) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  Trainer trainer(ring, [&] { publish_for_ever(ring); });
  std::vector<std::string> program = {"strace",
                                      "-f",
                                      "-qq",
                                      "-o",
                                      "/dev/null",
                                      "-e",
                                      "trace=pidfd_open,close_range",
                                      "-e",
                                      "inject=pidfd_open,close_range:error=ENOSYS"};
  for (const std::string& part : foreground_keeper(WB_BINARY_DIR)) program.push_back(part);
  // LeakSanitizer cannot work below another tracer.
  KeeperProcess keeper(program, ring.fd(), [] { ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); });
  ASSERT_TRUE(eventually([&] { return ring.header().keeper.written_sequence.load() > 0; }));
  trainer.kill(SIGKILL);
  const ProcessEnd end = keeper.wait();
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  const JournalContent content = read_only_journal(directory.path());
  ASSERT_EQ(content.deaths.size(), 1U);
  EXPECT_EQ(content.deaths[0].at("signal"), SIGKILL);
  EXPECT_EQ(ring.header().keeper.tail.load(), ring.header().producer.head.load());
}

}  // namespace
}  // namespace wb::test
