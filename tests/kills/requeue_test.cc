// A job that is requeued 50 times: each attempt is a journal of its own, and none is mixed up with another.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/kills/after_kill.h"
#include "tests/kills/arena.h"
#include "tests/kills/kills.h"
#include "tests/support/journal_content.h"

namespace wb::test {
namespace {

constexpr std::uint64_t kAttempts = 50;
constexpr std::uint64_t kRowsOfAttempt = 25;
constexpr std::uint64_t kStepsOfAttempt =
    20;  // So that the first five steps of one are the last five of the one before.

/// As Slurm starts it: the restart count is not set at the first time.
RankPlan attempt_plan(std::uint64_t attempt, const KillPlan& plan) {
  RankPlan rank{.seed = attempt + 1, .directory = plan.directory, .run_id = "requeued", .keeper = plan.programs.wbkeep};
  rank.environment = {{"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}};
  if (attempt > 0) rank.environment.emplace_back("SLURM_RESTART_COUNT", std::to_string(attempt));
  rank.ring_bytes = 1U << 20;
  rank.first_row = attempt * kStepsOfAttempt;
  rank.end_row = rank.first_row + kRowsOfAttempt;
  return rank;
}

/// Runs all attempts, every one killed but the last, and gives how many are not as they should be.
int run_attempts(const KillPlan& plan) {
  RankBoard* const board = map_board();
  std::mt19937_64 random(1);
  int wrong_count = 0;
  for (std::uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
    Victim victim(*board, attempt_plan(attempt, plan));
    victim.start();
    await([&] { return board->accepted_count() == kRowsOfAttempt || victim.has_ended(); }, 20'000);
    if (attempt + 1 == kAttempts) {
      board->command.store(RankCommand::kFinish);
      await([&] { return victim.has_ended(); }, 20'000);
    }
    victim.end();
    CaseOutcome outcome;
    complete_journal(victim, plan.programs, random, outcome);
    const JournalVerdict verdict = check_journal(victim.run_directory(), board->stem.data(), *board);
    const bool is_right = verdict.errors.empty() && verdict.read_count == kRowsOfAttempt && verdict.lost_count == 0;
    if (!is_right)
      std::fprintf(stderr, "attempt %d: %d rows\n", static_cast<int>(attempt), static_cast<int>(verdict.read_count));
    wrong_count += is_right ? 0 : 1;
  }
  return wrong_count;
}

TEST(Requeue, OfFiftyAttemptsWithOverlappingStepsKeepsEachAsAJournalOfItsOwn) {
  const TempDirectory directory;
  const KillPlan plan = plan_kills(1, 0, WB_BINARY_DIR, directory.path());
  ASSERT_EQ(run_in_arena([&] { return run_attempts(plan); }), 0);
  std::string lines;
  ASSERT_EQ(run_program({plan.programs.wbsync, "ls", directory.path(), "--json"}, &lines), 0);
  std::istringstream stream(lines);
  std::set<std::int64_t> attempts;
  std::set<std::string> journals;
  for (std::string line; std::getline(stream, line);) {
    const auto journal = nlohmann::json::parse(line);
    const std::int64_t attempt = journal["attempt"];
    attempts.insert(attempt);
    journals.insert(journal["journal"]);
    EXPECT_EQ(journal["rows"], kRowsOfAttempt);
    EXPECT_EQ(journal["last_step"], attempt * kStepsOfAttempt + kRowsOfAttempt - 1);
    EXPECT_EQ(journal["state"], attempt + 1 == kAttempts ? "finished" : "crashed");
    EXPECT_EQ(journal["run_state"], "finished");  // The last attempt came through.
    EXPECT_EQ(journal["run_rows"], (kAttempts - 1) * kStepsOfAttempt + kRowsOfAttempt);  // One a step.
  }
  EXPECT_EQ(attempts.size(), kAttempts);
  EXPECT_EQ(journals.size(), kAttempts);
  EXPECT_EQ(*attempts.rbegin(), kAttempts - 1);
}

}  // namespace
}  // namespace wb::test
