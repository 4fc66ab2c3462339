// One run's steps in the engine: what waits, what is sent again, and what is said when records were lost meanwhile.
#include "sync/engine_run.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sync/interrupt.h"
#include "tests/support/journal_maker.h"
#include "tests/sync/fake_target.h"

namespace wb {
namespace {

using test::FakeClock;
using test::FakeServer;
using test::FakeSink;
using test::JournalMaker;
using test::TempDir;

constexpr int kRowsPerFile = 10;
constexpr std::int64_t kSoonAfter = 1'700'000'060'000'000;  // Half a minute behind the journal's last record.
constexpr std::int64_t kMuchLater = 1'700'100'000'000'000;

/// Three tails of ten rows each; returns the path of the middle one.
std::string write_three_tails(const TempDir& directory) {
  JournalMaker journal({});
  for (int i = 0; i < 3 * kRowsPerFile; ++i) {
    if (i > 0 && i % kRowsPerFile == 0) journal.rotate();
    journal.row(i, {{"a", i}});
  }
  journal.finish(0);
  std::string path = journal.write(directory.path());
  return path.replace(path.rfind(".000."), 5, ".001.");
}

RunModel only_run(const TempDir& directory) {
  Discovery discovery = discover({directory.path()});
  EXPECT_EQ(discovery.runs.size(), 1u);
  return discovery.runs.at(0);
}

RunReport sync(const TempDir& directory, const RunModel& run, FakeServer& server,
               std::int64_t now_wall_us = kMuchLater) {
  const Result<std::unique_ptr<Ledger>> ledger = Ledger::open(directory.path() + "/.wbsync");
  EXPECT_TRUE(ledger.ok()) << ledger.status().message();
  FakeSink sink(server);
  TargetGate gate;
  FakeClock clock;
  const RetryPolicy policy{.attempts_max = 1};
  Courier courier(sink, gate, clock, policy, [] { return 0.0; });
  EngineCounters counters;
  return sync_run(run, *ledger.value(), courier, {.kind = "fake", .base_url = "here", .now_wall_us = now_wall_us},
                  counters);
}

TEST(EngineRun, WaitsWithRowsBehindAFileThatIsThereAndCannotBeReadNow) {
  const TempDir directory;
  FakeServer server;
  const std::string path = write_three_tails(directory);
  std::filesystem::rename(path, directory.path() + "/elsewhere");
  RunModel run = only_run(directory);
  ASSERT_EQ(run.journals[0].scan.damage.size(), 1u);
  run.journals[0].scan.damage[0].code = Code::kPermission;  // As root a test cannot take a right away.
  const RunReport waiting = sync(directory, run, server);
  EXPECT_EQ(waiting.outcome, RunOutcome::kStopped);
  EXPECT_EQ(waiting.exit_code, ExitCode::kDamage);
  EXPECT_NE(waiting.status.message().find(".001."), std::string::npos) << waiting.status.message();
  EXPECT_EQ(server.runs.at("run1").lines.size(), 10u);
  EXPECT_FALSE(server.runs.at("run1").exit_code.has_value());
  std::filesystem::rename(directory.path() + "/elsewhere", path);
  const RunReport whole = sync(directory, only_run(directory), server);
  EXPECT_EQ(whole.outcome, RunOutcome::kSynced) << whole.status.message();
  EXPECT_EQ(whole.line_count, 30u);
  FakeServer reference;
  const TempDir other;
  write_three_tails(other);
  sync(other, only_run(other), reference);
  EXPECT_EQ(server.runs.at("run1").lines, reference.runs.at("run1").lines);
  EXPECT_EQ(server.runs.at("run1").exit_code, 0);
}

TEST(EngineRun, PassesOverAMissingFileOnlyWhenTheJournalHasBeenSilentForLong) {
  const TempDir directory;
  FakeServer server;
  std::filesystem::remove(write_three_tails(directory));
  const RunReport waiting = sync(directory, only_run(directory), server, kSoonAfter);
  EXPECT_EQ(waiting.outcome, RunOutcome::kStopped);
  EXPECT_EQ(waiting.line_count, 10u);
  const RunReport report = sync(directory, only_run(directory), server);
  EXPECT_EQ(report.outcome, RunOutcome::kSynced) << report.status.message();
  EXPECT_EQ(report.line_count, 20u);
}

TEST(EngineRun, CallsItDamageWhenAssignedRecordsWereLostBeforeTheyWereAcknowledged) {
  const TempDir directory;
  FakeServer server;
  const std::string path = write_three_tails(directory);
  server.at_boundary = [&](const test::Boundary& boundary) {
    return boundary.index < 2 ? Status() : Status(Code::kUnavailable, "down");
  };
  EXPECT_EQ(sync(directory, only_run(directory), server).exit_code, ExitCode::kUnavailable);
  server.at_boundary = {};
  std::filesystem::remove(path);
  const RunReport report = sync(directory, only_run(directory), server);
  EXPECT_EQ(report.outcome, RunOutcome::kStopped);
  EXPECT_EQ(report.exit_code, ExitCode::kDamage) << report.status.message();
  EXPECT_TRUE(server.runs.at("run1").lines.empty());
}

TEST(EngineRun, SendsTheEndAgainWhenTheSummaryWasSentBehindIt) {
  const TempDir directory;
  FakeServer server;
  write_three_tails(directory);
  RunModel run = only_run(directory);
  EXPECT_EQ(sync(directory, run, server).outcome, RunOutcome::kSynced);
  EXPECT_EQ(server.runs.at("run1").exit_code, 0);
  server.runs.at("run1").exit_code.reset();  // As a server that sees the run going on again.
  run.state = RunState::kRunning;
  run.summary["later"] = "1";
  EXPECT_EQ(sync(directory, run, server).outcome, RunOutcome::kRunning);
  EXPECT_FALSE(server.runs.at("run1").exit_code.has_value());
  run.state = RunState::kFinished;
  EXPECT_EQ(sync(directory, run, server).outcome, RunOutcome::kSynced);
  EXPECT_EQ(server.runs.at("run1").exit_code, 0);
}

}  // namespace
}  // namespace wb
