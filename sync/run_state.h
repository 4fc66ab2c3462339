// How a process stands, inferred from what its journal says and what this machine knows of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/run_model.h"

namespace wb {

inline constexpr std::int64_t kLostAfterUs = 600'000'000;  ///< 10 minutes without heartbeat or record.

/// What this machine knows of the process that wrote a journal.
enum class ProcessLife : std::uint8_t { kUnknown, kAlive, kGone };

/// What a journal says about its end.
struct JournalEnd {
  bool finished = false;                  ///< A finish record.
  std::optional<std::int32_t> exit_code;  ///< Of the finish or death record, if it is known.
  bool died = false;                      ///< A death record.
  std::optional<std::int64_t> signal;
  std::string reason;  ///< Of the death record.
};

struct JournalState {
  RunState state = RunState::kRunning;
  std::string reason;
};

/// A process as its journal names it.
struct ProcessName {
  std::string boot_id;
  std::string pid_namespace;  ///< As readlink(/proc/self/ns/pid) gave it; empty: not recorded.
  std::int64_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< 0: not recorded.
};

/// Asks /proc. kUnknown if the process is of another machine or boot, or of another pid namespace (a container), where
/// its number means something else; or if the journal names none.
ProcessLife look_for_process(const ProcessName& process);

/// Pure: no clock, no file.
JournalState infer_state(const JournalEnd& end, ProcessLife life, std::int64_t last_wall_us, std::int64_t now_wall_us);

/// Of a run: running while one journal is; else of each rank's last attempt the worst of crashed, lost, failed,
/// finished. A requeued job that came through is finished. A forked worker that ended counts only if the journal of
/// its parent is not there: workers end without a finish record, and the parent knows how the run went.
RunState run_state_of(const std::vector<JournalModel>& journals);

}  // namespace wb
