// Out-of-memory kills: a few of the campaign's, where this machine gives memory cgroups.
#include <gtest/gtest.h>
#include <unistd.h>

#include <numeric>
#include <random>

#include "tests/kills/kills.h"
#include "tests/kills/oom_case.h"
#include "tests/support/journal_content.h"

namespace wb::test {
namespace {

// Method: a hog fills the cgroup of a trainer and its keeper; oom_score_adj says whom the kernel may kill. Every row
// that log() had accepted must be in the journal; a trainer whose keeper was killed gets another one and finishes.
TEST(OutOfMemory, KillsOfTheTrainerOfItsKeeperAndOfBothLoseNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make a memory cgroup";
  const std::string why = no_memory_groups();
  ASSERT_EQ(why, "");
  constexpr std::uint64_t kCases = 8;
  const std::uint64_t seed = std::random_device()();
  const TempDirectory directory;
  const KillPlan plan = plan_kills(seed, 0, WB_BINARY_DIR, directory.path());
  const OomTotals totals = run_oom_kills(seed, kCases, plan.programs, directory.path());
  EXPECT_TRUE(totals.ran);
  EXPECT_EQ(std::accumulate(totals.cases.begin(), totals.cases.end(), std::uint64_t{0}), kCases);
  EXPECT_EQ(std::accumulate(totals.failed.begin(), totals.failed.end(), std::uint64_t{0}), 0U) << "seed " << seed;
  EXPECT_GE(totals.kernel_kills, kCases);
  for (const std::uint64_t rows : totals.accepted_rows) EXPECT_GT(rows, 0U);
}

}  // namespace
}  // namespace wb::test
