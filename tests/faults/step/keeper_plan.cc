// The plans: a keeper's life, stage by stage.
#include "tests/faults/step/keeper_plan.h"

namespace wb::test {
namespace {

constexpr std::size_t kSmallTail = 600;  // Full after a round.

KeeperPlan drain(Random& random) {
  return {.rows_per_round = 1 + static_cast<int>(random() % 12), .drops_per_round = 1};
}

KeeperPlan tail_switch(Random& random) {
  return {.rows_per_round = 8 + static_cast<int>(random() % 4), .tail_bytes_max = kSmallTail};
}

KeeperPlan failed_sync(Random& random) {
  return {.tail_bytes_max = random() % 2 == 0 ? kTailBytesMax : kSmallTail,
          .faults = {{PlannedFault::Kind::kSync, static_cast<int>(random() % 5)},
                     {PlannedFault::Kind::kSync, static_cast<int>(random() % 8)}}};
}

KeeperPlan failed_write(Random& random) {
  return {.tail_bytes_max = random() % 2 == 0 ? kTailBytesMax : kSmallTail,
          .faults = {{random() % 2 == 0 ? PlannedFault::Kind::kWrite : PlannedFault::Kind::kShort,
                      static_cast<int>(random() % 8)}}};
}

KeeperPlan after_a_killed_keeper(Random& random) {
  return {.round_count = 3, .drops_per_round = static_cast<int>(random() % 2), .earlier = KeeperPlan::Earlier::kKilled};
}

KeeperPlan after_a_failing_keeper(Random& random) {
  return {
      .round_count = 3, .rows_per_round = 4 + static_cast<int>(random() % 8), .earlier = KeeperPlan::Earlier::kFailing};
}

KeeperPlan end(Random& random) {
  return {.round_count = 2, .drops_per_round = static_cast<int>(random() % 2), .ends = true};
}

KeeperPlan seal(Random& random) {
  return {.round_count = 1, .rows_per_round = 20 + static_cast<int>(random() % 20), .ends = true, .seals = true};
}

KeeperPlan rescue(Random& random) {
  return {
      .round_count = 1, .rows_per_round = 4 + static_cast<int>(random() % 8), .drops_per_round = 1, .is_rescue = true};
}

}  // namespace

std::span<const KeeperPlanMaker> keeper_plans() {
  static constexpr KeeperPlanMaker kMakers[] = {{"Drain", drain},
                                                {"TailSwitch", tail_switch},
                                                {"FailedSync", failed_sync},
                                                {"FailedWrite", failed_write},
                                                {"AfterAKilledKeeper", after_a_killed_keeper},
                                                {"AfterAFailingKeeper", after_a_failing_keeper},
                                                {"End", end},
                                                {"Seal", seal},
                                                {"Rescue", rescue}};
  return kMakers;
}

}  // namespace wb::test
