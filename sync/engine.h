// Engine: brings one run, or many at once, to the state that its journals tell. Exactly once, whatever breaks.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/engine_courier.h"
#include "sync/exit_code.h"
#include "sync/ledger.h"
#include "sync/run_model.h"

namespace wb {

inline constexpr std::size_t kBatchBytesMax = 4U << 20;  ///< Of lines in one request.
inline constexpr int kQuarantineCountMax = 100;          ///< Lines of one run in one call; then the run stops.

/// How a run stands after a call.
enum class RunOutcome : std::uint8_t {
  kSynced,   ///< Everything is acknowledged, the end too.
  kRunning,  ///< Everything that is there is acknowledged; the run goes on.
  kStopped,  ///< Something went wrong; the status says what. What was acknowledged stays so.
};

struct RunReport {
  RunOutcome outcome = RunOutcome::kStopped;
  bool changed = false;                 ///< A request was made.
  std::uint64_t line_count = 0;         ///< Lines acknowledged in all.
  std::uint64_t sent_count = 0;         ///< Of them in this call.
  std::uint64_t quarantined_count = 0;  ///< In all.
  std::string remote_entity;
  ExitCode exit_code = ExitCode::kOk;
  Status status;
};

/// What progress shows while the engine works. Stored by the engine's threads, each with relaxed order.
struct EngineCounters {
  std::atomic<std::uint64_t> lines_done{0};
  std::atomic<std::uint64_t> runs_done{0};
};

struct EngineOptions {
  std::string kind, base_url;  ///< The target, as the ledger names it.
  std::int64_t now_wall_us = 0;
  std::size_t batch_bytes_max = kBatchBytesMax;
};

/// One run. Never fails otherwise than in its report.
RunReport sync_run(const RunModel& run, Ledger& ledger, Courier& courier, const EngineOptions& options,
                   EngineCounters& counters);

/// All runs, `jobs` at a time, each thread with a sink of its own. Reports in the order of `runs`. One run's failure
/// does not stop the others; a gate that closes does.
std::vector<RunReport> sync_runs(const std::vector<RunModel>& runs, Ledger& ledger,
                                 const std::function<std::unique_ptr<Sink>()>& make_sink, const RetryPolicy& policy,
                                 Clock& clock, const EngineOptions& options, int jobs, EngineCounters& counters);

}  // namespace wb
