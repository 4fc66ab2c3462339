// The engine against a fake target and a real ledger: whatever breaks, every row arrives once.
#include "sync/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
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
using test::Killed;
using test::Moment;

constexpr std::size_t kSmallBatch = 150;  // Two rows.
constexpr int kRowCount = 24;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A directory of runs in memory where that is possible: hundreds of calls, each with its fsyncs.
class RunsDirectory {
 public:
  RunsDirectory() {
    std::string pattern = access("/dev/shm", W_OK) == 0 ? "/dev/shm/wb_test_XXXXXX" : "/tmp/wb_test_XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~RunsDirectory() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  RunsDirectory(const RunsDirectory&) = delete;
  RunsDirectory& operator=(const RunsDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The journal of one process after `row_count` of its rows; the rest of it, if any, comes later.
void write_journal(const RunsDirectory& directory, int row_count, bool has_ended, std::uint64_t seed = 1,
                   std::int64_t rank = 0) {
  static const std::int64_t start = now_us() - 100'000'000;
  JournalMaker maker({.run_id = "run1", .rank = rank, .seed = seed, .start_wall_us = start});
  maker.map(Kind::kConfig, {{"lr", 0.5}});
  for (int i = 0; i < row_count; ++i) maker.row(i, {{"loss", 1.0 / (i + 1)}, {"rank", rank}});
  if (has_ended) maker.finish(0);
  if (has_ended) {
    maker.tail_end(true);
  } else {
    maker.heartbeat();
  }
  maker.write(directory.path());
}

// One call of wbsync: a new ledger connection, a new engine.
struct Call {
  const RunsDirectory& directory;
  FakeServer& server;
  FakeClock clock{};
  RetryPolicy policy{.attempts_max = 1};
  EngineCounters counters{};

  std::vector<RunReport> sync() {
    const Discovery found = discover({directory.path()});
    EXPECT_TRUE(found.problems.empty());
    Result<std::unique_ptr<Ledger>> ledger = Ledger::open(directory.path() + "/.wbsync");
    EXPECT_TRUE(ledger.ok()) << ledger.status().message();
    const EngineOptions options{
        .kind = "fake", .base_url = "here", .now_wall_us = now_us(), .batch_bytes_max = kSmallBatch};
    // Without threads, so that Killed passes through.
    FakeSink sink(server);
    TargetGate gate;
    Courier courier(sink, gate, clock, policy, [] { return 0.0; });
    std::vector<RunReport> reports;
    for (const RunModel& run : found.runs) {
      reports.push_back(sync_run(run, *ledger.value(), courier, options, counters));
    }
    return reports;
  }
};

void expect_reference_state(const FakeServer& server, const FakeServer& reference) {
  ASSERT_EQ(server.runs.size(), 1U);
  const test::RemoteState& run = server.runs.begin()->second;
  const test::RemoteState& wanted = reference.runs.begin()->second;
  EXPECT_EQ(run.lines, wanted.lines);
  EXPECT_EQ(run.summary, wanted.summary);
  EXPECT_EQ(run.config, wanted.config);
  EXPECT_EQ(run.exit_code, wanted.exit_code);
  EXPECT_EQ(run.changed_lines, 0);
  EXPECT_EQ(run.skipped_lines, 0);
}

FakeServer reference_server() {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  const std::vector<RunReport> reports = Call{directory, server}.sync();
  EXPECT_EQ(reports.at(0).outcome, RunOutcome::kSynced) << reports.at(0).status.message();
  EXPECT_EQ(server.runs.at("run1").lines.size(), static_cast<std::size_t>(kRowCount));
  return server;
}

TEST(Engine, SendsNothingWhenNothingChanged) {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  EXPECT_EQ((Call{directory, server}.sync().at(0).sent_count), static_cast<std::uint64_t>(kRowCount));
  const int request_count = server.request_count;
  for (int i = 0; i < 2; ++i) {
    const RunReport report = Call{directory, server}.sync().at(0);
    EXPECT_EQ(report.outcome, RunOutcome::kSynced);
    EXPECT_FALSE(report.changed);
    EXPECT_EQ(report.line_count, static_cast<std::uint64_t>(kRowCount));
  }
  EXPECT_EQ(server.request_count, request_count);
}

// Method: the engine is thrown away at boundary k of its first call, for every k; a second call must complete.
TEST(Engine, CompletesAfterBeingKilledAtEachBoundary) {
  const FakeServer reference = reference_server();
  ASSERT_GT(reference.boundary_count, 16);  // Or the loop below would prove little.
  int killed_count = 0;
  for (int k = 0; k < reference.boundary_count; ++k) {
    SCOPED_TRACE(testing::Message() << "killed at boundary " << k);
    const RunsDirectory directory;
    write_journal(directory, kRowCount, true);
    FakeServer server;
    server.at_boundary = [k](const test::Boundary& boundary) -> Status {
      if (boundary.index == k) throw Killed{};
      return {};
    };
    EXPECT_THROW((Call{directory, server}.sync()), Killed);
    ++killed_count;
    EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
    expect_reference_state(server, reference);
  }
  EXPECT_EQ(killed_count, reference.boundary_count);
}

// Method: killed at k of the first call and at j of the second, while the journal grows between them.
TEST(Engine, CompletesAfterTwoKillsWhileTheRunGoesOn) {
  const FakeServer reference = reference_server();
  int case_count = 0;
  for (int k = 0; k < 8; ++k) {
    for (int j = 0; j < 8; ++j) {
      SCOPED_TRACE(testing::Message() << "killed at boundary " << k << ", then at " << j);
      const RunsDirectory directory;
      FakeServer server;
      int kill_at = k;
      server.at_boundary = [&](const test::Boundary&) -> Status {
        if (kill_at-- == 0) throw Killed{};
        return {};
      };
      const auto call = [&] {
        try {
          (void)Call{directory, server}.sync();
        } catch (const Killed&) {
        }
      };
      write_journal(directory, kRowCount / 2, false);
      call();
      kill_at = j;
      write_journal(directory, kRowCount * 3 / 4, false);
      call();
      kill_at = -1;
      write_journal(directory, kRowCount, true);
      call();
      expect_reference_state(server, reference);
      ++case_count;
    }
  }
  EXPECT_EQ(case_count, 64);
}

TEST(Engine, RepeatsTheSameBytesWhenEveryAnswerIsLostOnce) {
  const FakeServer reference = reference_server();
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  int lost_count = 0;
  server.at_boundary = [&](const test::Boundary& boundary) -> Status {
    if (boundary.moment == Moment::kBeforeRequest || server.request_count % 2 == 0) return {};
    ++lost_count;
    return {Code::kUnavailable, "connection reset"};
  };
  Call call{directory, server};
  call.policy = RetryPolicy{};
  EXPECT_EQ(call.sync().at(0).outcome, RunOutcome::kSynced);
  EXPECT_GT(lost_count, 5);
  EXPECT_EQ(server.runs.at("run1").repeated_lines, kRowCount);
  expect_reference_state(server, reference);
}

TEST(Engine, KeepsEveryRowOfTwoJournalsWhenOneComesLate) {
  const RunsDirectory directory;
  FakeServer server;
  write_journal(directory, kRowCount, true, 1, 0);
  EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
  const std::vector<std::string> before = server.runs.at("run1").lines;
  write_journal(directory, kRowCount, true, 2, 1);
  EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
  const test::RemoteState& run = server.runs.at("run1");
  ASSERT_GE(run.lines.size(), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), run.lines.begin()));
  EXPECT_EQ(run.lines.size(), static_cast<std::size_t>(2 * kRowCount));
  EXPECT_EQ(run.changed_lines + run.skipped_lines, 0);
}

TEST(Engine, NeverSendsOtherBytesForLinesThatWereAssigned) {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  server.at_boundary = [](const test::Boundary& boundary) -> Status {
    if (boundary.index == 3) throw Killed{};  // The first rows are applied and not acknowledged.
    return {};
  };
  EXPECT_THROW((Call{directory, server}.sync()), Killed);
  server.at_boundary = nullptr;
  const std::vector<std::string> before = server.runs.at("run1").lines;
  JournalMaker other({.run_id = "run1", .seed = 1});  // The same journal, they say, with other values.
  other.map(Kind::kConfig, {{"lr", 0.5}});
  for (int i = 0; i < kRowCount; ++i) other.row(i, {{"loss", 2.0}, {"rank", 0}});
  other.finish(0);
  other.tail_end(true);
  other.write(directory.path());
  const RunReport report = Call{directory, server}.sync().at(0);
  EXPECT_EQ(report.outcome, RunOutcome::kStopped);
  EXPECT_EQ(report.exit_code, ExitCode::kInternal);
  EXPECT_EQ(server.runs.at("run1").lines, before);
  EXPECT_EQ(server.runs.at("run1").changed_lines, 0);
}

// Method: line k is refused, for every k; it alone is replaced.
TEST(Engine, QuarantinesEachRefusedRowAlone) {
  const FakeServer reference = reference_server();
  const std::vector<std::string>& wanted = reference.runs.at("run1").lines;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    SCOPED_TRACE(testing::Message() << "row " << k);
    const RunsDirectory directory;
    write_journal(directory, kRowCount, true);
    FakeServer server;
    server.refuses = [&](const Delivery& delivery) {
      return delivery.lines != nullptr &&
             std::find(delivery.lines->begin(), delivery.lines->end(), wanted[k]) != delivery.lines->end();
    };
    const RunReport report = Call{directory, server}.sync().at(0);
    EXPECT_EQ(report.outcome, RunOutcome::kSynced);
    EXPECT_EQ(report.exit_code, ExitCode::kQuarantined);
    EXPECT_EQ(report.quarantined_count, 1U);
    std::vector<std::string> expected = wanted;
    expected[k] = "{\"_step\":" + std::to_string(k) + ",\"wb/quarantined\":true}";
    EXPECT_EQ(server.runs.at("run1").lines, expected);
    EXPECT_EQ(server.runs.at("run1").exit_code, 0);
    const int request_count = server.request_count;
    EXPECT_EQ((Call{directory, server}.sync().at(0).exit_code), ExitCode::kQuarantined);
    EXPECT_EQ(server.request_count, request_count);
  }
  EXPECT_EQ(wanted.size(), 24U);
}

// Method: killed at boundary k while a row is bisected out and replaced, for every k.
TEST(Engine, CompletesAfterBeingKilledAtEachBoundaryOfAQuarantine) {
  const std::string refused = reference_server().runs.at("run1").lines.at(5);
  int killed_count = 0;
  for (bool was_killed = true; was_killed;) {
    SCOPED_TRACE(testing::Message() << "killed at boundary " << killed_count);
    const RunsDirectory directory;
    write_journal(directory, kRowCount, true);
    FakeServer server;
    server.refuses = [&](const Delivery& delivery) {
      return delivery.lines != nullptr &&
             std::find(delivery.lines->begin(), delivery.lines->end(), refused) != delivery.lines->end();
    };
    server.at_boundary = [&](const test::Boundary& boundary) -> Status {
      if (boundary.index == killed_count) throw Killed{};
      return {};
    };
    was_killed = false;
    try {
      (void)Call{directory, server}.sync();
    } catch (const Killed&) {
      was_killed = true;
      ++killed_count;
    }
    server.at_boundary = nullptr;
    const RunReport report = Call{directory, server}.sync().at(0);
    EXPECT_EQ(report.outcome, RunOutcome::kSynced) << report.status.message();
    EXPECT_EQ(report.quarantined_count, 1U);
    EXPECT_EQ(server.runs.at("run1").lines.at(5), "{\"_step\":5,\"wb/quarantined\":true}");
    EXPECT_EQ(server.runs.at("run1").lines.size(), static_cast<std::size_t>(kRowCount));
    EXPECT_EQ(server.runs.at("run1").changed_lines + server.runs.at("run1").skipped_lines, 0);
  }
  EXPECT_GT(killed_count, 20);
}

TEST(Engine, QuarantinesNothingWhenTheServerRefusesEverything) {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  server.refuses = [](const Delivery&) { return true; };
  const RunReport report = Call{directory, server}.sync().at(0);
  EXPECT_EQ(report.exit_code, ExitCode::kUnavailable);
  EXPECT_EQ(report.quarantined_count, 0U);
  server.refuses = nullptr;
  EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
  expect_reference_state(server, reference_server());
}

TEST(Engine, SendsTheEndAgainWhenRowsCameBehindIt) {
  const RunsDirectory directory;
  FakeServer server;
  write_journal(directory, kRowCount / 2, true);
  EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
  server.runs.at("run1").exit_code.reset();  // As a server that sees the run going on again.
  write_journal(directory, kRowCount, true, 2);
  EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
  EXPECT_EQ(server.runs.at("run1").exit_code, 0);
}

TEST(Engine, LeavesARunAloneThatAnotherClientWrote) {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  server.runs["run1"].lines = {"theirs"};
  const RunReport report = Call{directory, server}.sync().at(0);
  EXPECT_EQ(report.outcome, RunOutcome::kStopped);
  EXPECT_EQ(report.status.code(), Code::kExists);
  EXPECT_EQ(server.runs.at("run1").lines, std::vector<std::string>{"theirs"});
}

TEST(Engine, StopsTheTargetAfterOneRefusedKey) {
  const RunsDirectory directory;
  for (const char* run : {"a", "b", "c"}) {
    JournalMaker maker({.run_id = run, .seed = static_cast<std::uint64_t>(run[0])});
    maker.row(0, {{"loss", 1.0}});
    maker.finish(0);
    maker.tail_end(true);
    maker.write(directory.path());
  }
  FakeServer server;
  server.at_boundary = [](const test::Boundary&) { return Status(Code::kUnauthorized, "HTTP 401"); };
  const std::vector<RunReport> reports = Call{directory, server}.sync();
  ASSERT_EQ(reports.size(), 3U);
  for (const RunReport& report : reports) EXPECT_EQ(report.exit_code, ExitCode::kUnauthorized);
  EXPECT_EQ(server.request_count, 1);
}

TEST(Engine, GivesUpWithinTheBudgetAndSaysHowOftenItTried) {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  server.at_boundary = [](const test::Boundary&) { return Status(Code::kUnavailable, "HTTP 500"); };
  Call call{directory, server};
  call.policy = RetryPolicy{};
  const RunReport report = call.sync().at(0);
  EXPECT_EQ(report.exit_code, ExitCode::kUnavailable);
  EXPECT_NE(report.status.message().find("tried 5 times"), std::string::npos) << report.status.message();
  EXPECT_LE(call.clock.time, std::chrono::seconds(60));
  EXPECT_EQ(server.request_count, 5);
}

TEST(Engine, StopsAtAnInterruptAndGoesOnLater) {
  const RunsDirectory directory;
  write_journal(directory, kRowCount, true);
  FakeServer server;
  Call call{directory, server};
  server.at_boundary = [&](const test::Boundary& boundary) -> Status {
    if (boundary.index == 5) call.clock.is_interrupted = true;
    return {};
  };
  EXPECT_EQ(call.sync().at(0).exit_code, ExitCode::kInterrupted);
  EXPECT_LT(server.runs.at("run1").lines.size(), static_cast<std::size_t>(kRowCount));
  server.at_boundary = nullptr;
  EXPECT_EQ((Call{directory, server}.sync().at(0).outcome), RunOutcome::kSynced);
  expect_reference_state(server, reference_server());
}

}  // namespace
}  // namespace wb
