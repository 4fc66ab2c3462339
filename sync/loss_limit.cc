// Loss limit: the death record if there is one, then the ring, then whether the machine went down.
#include "sync/loss_limit.h"

#include <unistd.h>

#include <array>
#include <fstream>

namespace wb {
namespace {

std::string this_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

std::string this_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : std::string();
}

Loss without_loss(std::string reason) {
  return {.limit = LossLimit::kNone, .limit_ms = 0, .waiting_count = 0, .reason = std::move(reason)};
}

Loss loss_with_ring(const LossFacts& facts) {
  const std::uint64_t accepted = facts.ring->accepted_sequence;
  const std::uint64_t waiting = accepted > facts.last_sequence ? accepted - facts.last_sequence : 0;
  return {.limit = LossLimit::kTrainerKilled,
          .limit_ms = 0,
          .waiting_count = waiting,
          .reason = "its process is gone; " + std::to_string(waiting) +
                    " records wait in the ring on this machine, for its keeper or for wbsync rescue"};
}

}  // namespace

std::string_view loss_limit_name(LossLimit limit) noexcept {
  switch (limit) {
    case LossLimit::kNone:
      return "none";
    case LossLimit::kTrainerKilled:
      return "trainer_killed";
    case LossLimit::kStepKilled:
      return "step_killed";
    case LossLimit::kPowerCut:
      return "power_cut";
  }
  return "power_cut";
}

Loss infer_loss(const LossFacts& facts) {
  if (facts.state == RunState::kFinished || facts.state == RunState::kFailed) {
    return without_loss("the run was finished, and its last record is here");
  }
  if (facts.has_death) {
    return {.limit = LossLimit::kTrainerKilled,
            .limit_ms = 0,
            .waiting_count = 0,
            .reason = "the trainer ended, and what it had logged was written to the last record"};
  }
  if (facts.state == RunState::kRunning) return without_loss("the run goes on, as far as is known");
  if (facts.ring) return loss_with_ring(facts);
#ifdef WB_MUTANT_SHOW_STATES_WRONG_LIMIT
  if (facts.is_this_boot) return {.limit = LossLimit::kTrainerKilled, .limit_ms = 0, .waiting_count = 0, .reason = "-"};
#endif
  if (facts.is_this_boot) {
    return {.limit = LossLimit::kStepKilled,
            .limit_ms = kStepKilledLossMs,
            .waiting_count = 0,
            .reason = "trainer and keeper were killed at once, and the ring is gone"};
  }
  Loss loss{.limit = LossLimit::kPowerCut, .limit_ms = {}, .waiting_count = 0, .reason = {}};
  if (facts.sync_interval_ms > 0) loss.limit_ms = facts.sync_interval_ms;
  loss.reason = facts.is_this_machine
                    ? "this machine has been down since, and the ring is gone"
                    : "it ran on another machine, which may have been down since: this is the most that can be lost";
  return loss;
}

Loss loss_of(const JournalModel& journal) {
  LossFacts facts{.state = journal.state,
                  .has_death = journal.has_death,
                  .is_this_boot = !journal.boot_id.empty() && journal.boot_id == this_boot(),
                  .is_this_machine = !journal.host.empty() && journal.host == this_host(),
                  .sync_interval_ms = journal.sync_interval_ms,
                  .last_sequence = journal.scan.last_sequence,
                  .ring = {}};
  if (journal.state == RunState::kCrashed || journal.state == RunState::kLost) {
    facts.ring = peek_ring(journal.scan.journal);
  }
  return infer_loss(facts);
}

}  // namespace wb
