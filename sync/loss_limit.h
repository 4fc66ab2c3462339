// Loss limit: which of the promised limits bounds what a journal's process may have lost at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sync/ring_peek.h"
#include "sync/run_model.h"

namespace wb {

/// The limits that are promised, from the strongest.
enum class LossLimit : std::uint8_t {
  kNone,           ///< It finished, or goes on: there is nothing to lose.
  kTrainerKilled,  ///< Nothing that was accepted.
  kStepKilled,     ///< At most the last 10 ms.
  kPowerCut,       ///< At most the sync interval.
};
std::string_view loss_limit_name(LossLimit limit) noexcept;  // "none", "trainer_killed", ...

inline constexpr std::int64_t kStepKilledLossMs = 10;

/// What the limit is inferred from.
struct LossFacts {
  RunState state = RunState::kRunning;
  bool has_death = false;        ///< A death record: a keeper or a rescue wrote all that the ring held before it.
  bool is_this_boot = false;     ///< The machine that it ran on has not been down since, and is this one.
  bool is_this_machine = false;  ///< It ran here, in this or an earlier boot.
  std::int64_t sync_interval_ms = 0;
  std::uint64_t last_sequence = 0;  ///< Of the trainer's records in the files.
  std::optional<RingCounts> ring;   ///< Its ring, if this machine still has it.
};

struct Loss {
  LossLimit limit = LossLimit::kNone;
  std::optional<std::int64_t> limit_ms;  ///< Nothing: the sync interval that its file system had, 1 s or 5 s.
  std::uint64_t waiting_count = 0;       ///< Records that a rescue on this machine would still bring into the journal.
  std::string reason;                    ///< One phrase.
};

/// Pure: no clock, no file.
Loss infer_loss(const LossFacts& facts);

/// The same for a journal that was read just now; looks for its ring and at this machine's boot.
Loss loss_of(const JournalModel& journal);

}  // namespace wb
