// After a kill: the user's rescue, and everything that must then be true of the journal.
#pragma once

#include <random>

#include "tests/kills/kill_case.h"

namespace wb::test {

/// Waits until the run's ring is gone. Calls a rescue, one of three, once no keeper seems to work on it. False after
/// a minute. Says in `outcome` if a rescue was needed.
bool complete_journal(const Victim& victim, const KillPrograms& programs, std::mt19937_64& random,
                      CaseOutcome& outcome);

/// What `wbsync show --json` says of the loss of the one journal in a run's directory.
struct ShownLoss {
  std::string limit;  ///< "none", "trainer_killed", "step_killed", "power_cut"; or what it said instead.
  std::int64_t limit_ms = -1;

  friend bool operator==(const ShownLoss&, const ShownLoss&) = default;
};
ShownLoss shown_loss(const std::string& wbsync, const std::string& run_directory);

/// What was known when the trainer had ended.
struct Expectation {
  bool may_lose = false;               ///< The ring was wiped.
  bool is_sealed = false;              ///< A keeper or rescue that nobody killed came to the journal's end.
  std::uint64_t written_sequence = 0;  ///< By the ring, before it was wiped.
  std::int64_t killed_ns = 0;
};

/// Reads the journal and adds what is wrong to outcome.errors.
void judge(Victim& victim, const Expectation& expected, const KillPrograms& programs, CaseOutcome& outcome);

}  // namespace wb::test
