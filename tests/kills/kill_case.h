// Kill case: ranks, one way to kill them, what a user does then, and what must be in the journals.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/kills/journal_check.h"
#include "tests/kills/victim.h"

namespace wb::test {

enum class KillKind : std::uint8_t {
  kTrainer,    ///< SIGKILL of the trainer.
  kKeeper,     ///< SIGKILL of its keeper; the trainer goes on, finishes or is killed too a little later.
  kBoth,       ///< SIGKILL of both, in either order, up to 2 ms apart.
  kTerm,       ///< SIGTERM, then SIGKILL after 0, 10, 100 or 1,000 ms.
  kGroup,      ///< SIGKILL of the process group of eight trainers.
  kStep,       ///< SIGKILL of eight trainers and their keepers; their rings stay.
  kStepWiped,  ///< The same, and /dev/shm is wiped.
};
inline constexpr std::size_t kKillKindCount = 7;
inline constexpr int kTeamRanks = 8;
std::string_view kill_kind_name(KillKind kind) noexcept;
constexpr bool is_of_a_team(KillKind kind) noexcept {
  return kind >= KillKind::kGroup;
}

/// The programs under test.
struct KillPrograms {
  std::string wbkeep, wbsync;
  std::string small_tails;  ///< A script that starts wbkeep with tails of 200,000 bytes.
};

struct KillCase {
  KillKind kind = KillKind::kTrainer;
  std::uint64_t seed = 0;
  std::string directory;  ///< Of runs; made by the rank's keeper.
};

/// What came of one rank.
struct CaseOutcome {
  std::vector<std::string> errors;
  std::uint64_t accepted_count = 0;
  std::uint64_t read_count = 0;
  std::uint64_t refused_count = 0;
  std::uint64_t lost_count = 0;  ///< Only kStepWiped may lose.
  std::int64_t lost_ns = 0;      ///< How old the oldest lost row was at the kill.
  bool is_rescued = false;       ///< By wbkeep --rescue, wbsync rescue, or the keeper of a new run.
  bool is_respawned = false;     ///< The trainer got another keeper.
  bool is_finished = false;      ///< A finish record is there.
};

/// One rank alone; not for the kinds of a team.
CaseOutcome run_alone(const KillCase& what, RankBoard& board, const KillPrograms& programs);
/// kTeamRanks ranks, killed together.
std::vector<CaseOutcome> run_team(const KillCase& what, std::span<RankBoard* const> boards,
                                  const KillPrograms& programs);

}  // namespace wb::test
