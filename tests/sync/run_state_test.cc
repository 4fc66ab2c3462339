// State: what a journal's end, its process and silence say about a journal and its run.
#include "sync/run_state.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "sync/run_model.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::MakerOptions;
using test::TempDir;

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

RunModel only_run(const std::string& path) {
  const Discovery discovery = discover({path});
  EXPECT_EQ(discovery.runs.size(), 1u);
  return discovery.runs.at(0);
}

TEST(State, FollowsTheFinishOrDeathRecordThenTheProcessThenTheSilence) {
  const std::int64_t now = 10'000'000'000, heard = now - 1, long_ago = now - kLostAfterUs - 1;
  const JournalEnd open;
  struct Case {
    JournalEnd end;
    ProcessLife life;
    std::int64_t last;
    RunState expected;
  };
  const Case cases[] = {
      {{.finished = true, .exit_code = 0}, ProcessLife::kGone, long_ago, RunState::kFinished},
      {{.finished = true}, ProcessLife::kGone, long_ago, RunState::kFinished},
      {{.finished = true, .exit_code = 2}, ProcessLife::kAlive, heard, RunState::kFailed},
      {{.died = true}, ProcessLife::kAlive, heard, RunState::kCrashed},
      {{.exit_code = 0, .died = true}, ProcessLife::kUnknown, heard, RunState::kCrashed},
      {open, ProcessLife::kAlive, long_ago, RunState::kRunning},
      {open, ProcessLife::kGone, heard, RunState::kCrashed},
      {open, ProcessLife::kUnknown, heard, RunState::kRunning},
      {open, ProcessLife::kUnknown, long_ago, RunState::kLost},
  };
  int checked = 0;
  for (const Case& one : cases) {
    EXPECT_EQ(infer_state(one.end, one.life, one.last, now).state, one.expected) << "case " << checked;
    ++checked;
  }
  EXPECT_EQ(checked, 9);
}

TEST(State, KnowsThisProcessAndTellsAReusedPidByItsStart) {
  const std::string boot_id = first_line("/proc/sys/kernel/random/boot_id");
  EXPECT_EQ(look_for_process({.boot_id = boot_id, .pid = ::getpid()}), ProcessLife::kAlive);
  EXPECT_EQ(look_for_process({.boot_id = boot_id, .pid = ::getpid(), .start_ticks = 1}), ProcessLife::kGone);
  EXPECT_EQ(look_for_process({.boot_id = "another boot", .pid = ::getpid()}), ProcessLife::kUnknown);
  EXPECT_EQ(look_for_process({.boot_id = "", .pid = ::getpid()}), ProcessLife::kUnknown);
  EXPECT_EQ(look_for_process({.boot_id = boot_id, .pid_namespace = "pid:[1]", .pid = 1 << 30}), ProcessLife::kUnknown)
      << "a number of another container says nothing";
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(look_for_process({.boot_id = boot_id, .pid = child}), ProcessLife::kGone) << "a zombie is gone";
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(look_for_process({.boot_id = boot_id, .pid = child}), ProcessLife::kGone);
}

JournalModel journal_in(RunState state, std::int64_t rank, std::int64_t attempt) {
  JournalModel journal;
  journal.state = state;
  journal.rank = rank;
  journal.attempt = attempt;
  return journal;
}

TEST(State, OfARunIsTheWorstOfEachRanksLastAttempt) {
  using enum RunState;
  EXPECT_EQ(run_state_of({journal_in(kFinished, 0, 0), journal_in(kCrashed, 1, 0)}), kCrashed);
  EXPECT_EQ(run_state_of({journal_in(kFailed, 0, 0), journal_in(kLost, 1, 0)}), kLost);
  EXPECT_EQ(run_state_of({journal_in(kCrashed, 0, 0), journal_in(kRunning, 1, 0)}), kRunning);
  EXPECT_EQ(run_state_of({journal_in(kCrashed, 0, 0), journal_in(kFinished, 0, 1)}), kFinished);
  EXPECT_EQ(run_state_of({journal_in(kRunning, 0, 0), journal_in(kFinished, 0, 1)}), kRunning);
  EXPECT_EQ(run_state_of({journal_in(kFailed, 0, 0), journal_in(kFinished, 1, 0)}), kFailed);
}

TEST(State, OfARunIsItsParentsWhenAForkedWorkerEndsWithoutAWord) {
  for (const bool parent_is_there : {true, false}) {
    const TempDir directory;
    JournalMaker parent({.seed = 1});
    parent.row(0, {{"a", 1}});
    parent.finish(0);
    if (parent_is_there) parent.write(directory.path());
    MakerOptions options{.seed = 2};
    options.fields = {{"parent_journal", parent.uuid().hex()}};
    JournalMaker worker(options);
    worker.row(1, {{"b", 1}});
    worker.death(9);
    worker.write(directory.path());
    EXPECT_EQ(only_run(directory.path()).state, parent_is_there ? RunState::kFinished : RunState::kCrashed);
  }
}

TEST(State, OfAKilledProcessIsCrashedWithExitCodeOneForTheServer) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"a", 1}});
  journal.death(9);
  journal.write(directory.path());
  const RunModel run = only_run(directory.path());
  EXPECT_EQ(run.state, RunState::kCrashed);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.journals[0].state_reason.find("signal 9"), std::string::npos);
  EXPECT_EQ(run.row_count, 1u);
}

TEST(State, OfASilentJournalFromAnotherMachineIsLost) {
  const TempDir directory;
  JournalMaker old({});
  old.heartbeat();
  old.write(directory.path());
  EXPECT_EQ(only_run(directory.path()).state, RunState::kLost);
  const TempDir other;
  MakerOptions options;
  options.start_wall_us = now_us();
  JournalMaker fresh(options);
  fresh.heartbeat();
  fresh.write(other.path());
  EXPECT_EQ(only_run(other.path()).state, RunState::kRunning);
}

}  // namespace
}  // namespace wb
