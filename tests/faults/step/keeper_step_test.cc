// The keeper is killed after each instruction of its work; what is left is read, rescued, and kept by a new keeper.
#include <gtest/gtest.h>

#include "tests/faults/step/keeper_session.h"

namespace wb::test {
namespace {

class KeeperStep : public testing::TestWithParam<KeeperPlanMaker> {};

// Method: the keeper moves one instruction at a time. After each system call that may change a file, and each store
// into the ring's header, files and ring are taken down. Each state that was not there before is judged three ways: by
// a reader of the files alone, by rescue_rings() with the trainer dead, and by a new keeper while the trainer logs on.
// A write() also leaves states of its own: some first part of its bytes.
TEST_P(KeeperStep, LosesNothingDurableAndDoublesNothingAfterEachInstruction) {
  const std::uint64_t plans = setting("WB_STEP_KEEPER_PLANS", 1);
  const std::uint64_t seals = setting("WB_STEP_SEALS", 0);
  const std::uint64_t seed = step_seed();
  Tally tally;
  for (std::uint64_t round = 0; round < plans; ++round) {
    Random random(seed + round);
    KeeperPlan plan = GetParam().make(random);
    plan.name = GetParam().name;
    // A seal is 2.5 million instructions: each of them in tools/campaign step, from system call to system call here.
    plan.goes_by_syscalls = (plan.seals || plan.is_rescue) && round >= seals;
    const std::uint64_t before = tally.points;
    KeeperSession session(plan, random);
    ASSERT_EQ(session.step_all(tally), "") << "WB_STEP_SEED=" << seed + round;
    ASSERT_GT(tally.points, before) << "nothing was stepped";
  }
  tally.print(GetParam().name);
  EXPECT_EQ(tally.kills, plans);
  EXPECT_GT(tally.states, 10U);
}

INSTANTIATE_TEST_SUITE_P(Plans, KeeperStep, testing::ValuesIn(keeper_plans().begin(), keeper_plans().end()),
                         [](const auto& maker) { return std::string(maker.param.name); });

// Method: a real SIGKILL of the keeper behind a random change, then of the trainer, then the real wbkeep --rescue.
TEST(KeeperKillStep, BehindARandomChangeIsRescuedByTheRealProgram) {
  const std::uint64_t kills = setting("WB_STEP_KEEPER_KILLS", 18);
  const std::uint64_t seed = step_seed();
  Tally tally;
  for (std::uint64_t i = 0; i < kills; ++i) {
    const KeeperPlanMaker& maker = keeper_plans()[i % keeper_plans().size()];
    Random random(seed + i);
    KeeperPlan plan = maker.make(random);
    plan.name = maker.name;
    KeeperSession session(plan, random);
    ASSERT_EQ(session.kill_somewhere(tally), "") << "WB_STEP_SEED=" << seed << ", kill " << i;
  }
  tally.print("KeeperKillStep");
  EXPECT_EQ(tally.kills, kills);
}

}  // namespace
}  // namespace wb::test
