// The trainer is killed after each instruction of its calls; what is left is recovered.
#include <gtest/gtest.h>

#include "tests/faults/step/trainer_session.h"

namespace wb::test {
namespace {

class TrainerStep : public testing::TestWithParam<ProgramMaker> {};

// Method: the trainer moves one instruction at a time. After each one the ring is compared with a copy; where it has
// changed, a new keeper (the production drain) recovers the copy, and the journal that it completes is compared with
// what log() returned. Points that leave the same ring share a verdict. In every fourth call the living keeper makes a
// round between two instructions, and the trainer goes on.
TEST_P(TrainerStep, KeepsWhatWasAcceptedAndAtMostOneRecordMoreAfterEachInstruction) {
  const std::uint64_t points = setting("WB_STEP_POINTS", 190'000) / program_makers().size();
  const std::uint64_t seed = step_seed();
  Tally tally;
  for (std::uint64_t round = 0; tally.points < points; ++round) {
    Random random(seed + round);
    Program program = GetParam().make(random);
    program.name = GetParam().name;
    const std::uint64_t before = tally.points;
    TrainerSession session(program, random);
    ASSERT_EQ(session.step_all(tally, points), "") << "WB_STEP_SEED=" << seed + round;
    ASSERT_GT(tally.points, before) << "nothing was stepped";
  }
  tally.print(GetParam().name);
  EXPECT_GE(tally.points, points);
  EXPECT_GT(tally.states, points / 1'000);
  EXPECT_GT(tally.recoveries, 0U);
}

INSTANTIATE_TEST_SUITE_P(Programs, TrainerStep, testing::ValuesIn(program_makers().begin(), program_makers().end()),
                         [](const auto& maker) { return std::string(maker.param.name); });

// Method: the same, with a real SIGKILL at a random instruction and the real wbkeep --rescue. It must find what the
// recovery of the copy found: so the copy stands for the kill.
TEST(TrainerKill, AtARandomInstructionLeavesWhatTheCopyOfTheRingSays) {
  const std::uint64_t kills = setting("WB_STEP_KILLS", 68);
  const std::uint64_t seed = step_seed();
  Tally tally;
  for (std::uint64_t i = 0; i < kills; ++i) {
    const ProgramMaker& maker = program_makers()[i % program_makers().size()];
    Random random(seed + i);
    Program program = maker.make(random);
    program.name = maker.name;
    TrainerSession session(program, random);
    ASSERT_EQ(session.kill_somewhere(tally), "") << "WB_STEP_SEED=" << seed << ", kill " << i;
  }
  tally.print("TrainerKill");
  EXPECT_EQ(tally.kills, kills);
}

}  // namespace
}  // namespace wb::test
