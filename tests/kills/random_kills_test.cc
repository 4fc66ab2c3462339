// A sample of the kill campaign: 200 kills at random moments of eight ranks.
#include <gtest/gtest.h>

#include <random>

#include "tests/kills/kills.h"
#include "tests/support/journal_content.h"

namespace wb::test {
namespace {

/// Runs these of the campaign's cases and gives what was counted.
KillTotals run(std::array<std::uint64_t, kKillKindCount> counts) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const TempDirectory directory;
  KillPlan plan = plan_kills(seed, 0, WB_BINARY_DIR, directory.path());
  plan.counts = counts;
  const KillTotals totals = run_kills(plan);
  std::printf("seed %llu\n%s", static_cast<unsigned long long>(seed), describe(totals).c_str());
  EXPECT_TRUE(totals.ran);
  for (std::size_t kind = 0; kind < kKillKindCount; ++kind) {
    EXPECT_EQ(totals.kinds[kind].cases, counts[kind]) << kill_kind_name(static_cast<KillKind>(kind));
    EXPECT_EQ(totals.kinds[kind].failed, 0U) << kill_kind_name(static_cast<KillKind>(kind));
  }
  EXPECT_EQ(totals.left_rings, 0U);
  return totals;
}

const KindTotals& of(const KillTotals& totals, KillKind kind) {
  return totals.kinds[static_cast<std::size_t>(kind)];
}

// Method: eight ranks at a time log at different paces into real rings, with flushes, new names, rows in parts and
// small tails; each is killed, or its keeper, or both, while it opens its run, logs, or finishes. What log() had
// accepted by the rank's own shared memory must be in the journal once, in order and to the bit.
TEST(RandomKills, OfTrainersOfKeepersAndOfBothLoseNothing) {
  const KillTotals totals = run({50, 30, 30, 24, 0, 0, 0});
  for (const KillKind kind : {KillKind::kTrainer, KillKind::kKeeper, KillKind::kBoth, KillKind::kTerm}) {
    EXPECT_EQ(of(totals, kind).lost_rows, 0U);
    EXPECT_GT(of(totals, kind).accepted_rows, 1'000U) << "too few rows: the test proved nothing";
  }
  EXPECT_GT(of(totals, KillKind::kKeeper).respawned, 0U);
}

TEST(RandomKills, OfAProcessGroupAndOfAWholeStepLoseNothingWhileTheRingsStay) {
  const KillTotals totals = run({0, 0, 0, 0, 24, 24, 0});
  for (const KillKind kind : {KillKind::kGroup, KillKind::kStep}) {
    EXPECT_EQ(of(totals, kind).lost_rows, 0U);
    EXPECT_GT(of(totals, kind).accepted_rows, 1'000U);
  }
}

// What may be lost then is what came after the keeper's last look into the ring, and 'wbsync show' says so.
TEST(RandomKills, OfAWholeStepWhoseRingsAreWipedLoseNothingThatWasWritten) {
  const KillTotals totals = run({0, 0, 0, 0, 0, 0, 32});
  const KindTotals& wiped = of(totals, KillKind::kStepWiped);
  EXPECT_GT(wiped.accepted_rows, 1'000U);
  EXPECT_GT(wiped.lost_rows, 0U) << "no ring held anything: the test proved nothing";
}

}  // namespace
}  // namespace wb::test
