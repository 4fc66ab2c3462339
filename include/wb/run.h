// Run: the C++ API of a training process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wb/status.h"
#include "wb/value.h"

#define WB_API __attribute__((visibility("default")))

namespace wb {

enum class KeeperMode : std::uint8_t {
  kAuto,     ///< A wbkeep process; a thread if none can be started (said once on stderr).
  kProcess,  ///< As kAuto today; an error if the process cannot be started.
  kThread,   ///< A thread that writes the tail only; sealing is left to wbsync.
};

/// What a run is called and where it goes. Empty or unset fields are filled from the environment
/// (WB_*, WANDB_*, torchrun, Slurm, MPI: see docs/identity.md), then by a default.
struct Options {
  std::string project;  ///< Default "uncategorized".
  std::string entity;   ///< Default: the server decides.
  std::string group;
  std::string job_type;
  std::string name;  ///< Shown name; default: the id.
  std::string id;    ///< Default: eight random characters [0-9a-z].
  std::string notes;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> config;  ///< Top-level key, JSON text.
  std::string directory;                                    ///< Default WB_DIR, WANDB_DIR, then ./runs.
  std::optional<std::int64_t> rank;                         ///< Global rank, from 0.
  std::optional<std::int64_t> world_size;
  std::optional<std::int64_t> attempt;  ///< Which start of a requeued job, from 0.
  std::size_t ring_bytes = 0;           ///< 0: WB_RING_BYTES, then 8 MiB.
  std::optional<KeeperMode> keeper;     ///< Default WB_KEEPER=process|thread, then kAuto.
  std::string keeper_path;              ///< Default WB_KEEPER_PATH, then beside the library.
  /// More fields for the run record (for example what the language binding knows): name, text.
  std::vector<std::pair<std::string, std::string>> facts;
};

/// How log() places a row. As in wandb: without a step the row is committed; with a step it stays open, and
/// later calls for the same step join it, until a call with a higher step, without a step, or with commit.
struct LogOptions {
  std::optional<std::int64_t> step;  ///< Counts from 0. Below the current step: kept, flagged out of order.
  std::optional<bool> commit;        ///< Default: true without a step, false with one.
};

/// A define_metric: how a server should summarise and draw a key.
struct MetricDefinition {
  std::string name;         ///< May end in `*`.
  std::string step_metric;  ///< Empty: `_step`.
  std::optional<bool> step_sync;
  bool hidden = false;
  std::string summary;  ///< Comma-separated of min,max,mean,best,last,first,copy,none; may be empty.
  std::string goal;     ///< "minimize", "maximize" or empty.
  bool overwrite = false;
};

/// How many rows were accepted and dropped so far. A dropped row is also named in a gap record.
struct Counts {
  std::uint64_t accepted = 0;
  std::uint64_t dropped = 0;
};

/// Logs one process's records of one run into a journal on this machine. Opens no socket.
///
/// A record is accepted (A0) when log() returns true: it then survives SIGKILL of this process. It is written
/// (A1) at most 10 ms later: it then survives the end of the whole job step. It is durable (A2) when flush()
/// returns ok: it then survives a power cut too.
/// Thread-safe. In a forked child the first log() opens a journal of the child's own.
class WB_API Run {
 public:
  /// Opens a run: makes the ring, starts the keeper, waits at most 250 ms for its report. Never uses a network,
  /// never waits for another rank. Fails with kInvalidArgument, kPermission, kIoError or kNoSpace
  /// and then leaves no file behind.
  static Result<std::unique_ptr<Run>> open(const Options& options) noexcept;

  /// Ends the run as if finish(0) had not been called: the journal says that the process closed it without an
  /// exit code.
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Interns a metric's name (1 to 4,096 bytes). kFull: no room in the ring now; kInvalidArgument: a bad name.
  Result<Key> key(std::string_view name) noexcept;

  /// Accepts one row of interned keys. After a key's first use: no allocation, no system call, no lock shared
  /// with another process. False: the row was dropped (ring full, run closed, row over 64 KiB) and counted.
  bool log(std::span<const KeyMetric> metrics, const LogOptions& options = {}) noexcept;

  /// As log(), but waits for no room and drops nothing. False: nothing happened, log() decides. For callers that hold
  /// something while they log which they let go of to wait.
  bool try_log(std::span<const KeyMetric> metrics, const LogOptions& options = {}) noexcept;

  /// log() with names; one look-up a key. A name's first use allocates.
  bool log(std::span<const Metric> metrics, const LogOptions& options = {}) noexcept;

  /// Sets top-level config values (any Value; JSON for nested ones). kFull: no room now, call again.
  Status update_config(std::span<const Metric> values) noexcept;

  /// Sets summary values, or removes them (Value::removed()).
  Status update_summary(std::span<const Metric> values) noexcept;

  Status define_metric(const MetricDefinition& definition) noexcept;

  /// Changes fields of the run record: "name", "notes", "tags" (JSON array of strings), "group", "job_type".
  Status update_run(std::span<const Metric> fields) noexcept;

  /// Waits until all that was accepted is durable, at most `timeout`. kTimeout: call again. kIoError, kNoSpace:
  /// the keeper could not write; it goes on trying and keeps what fits in the ring.
  Status flush(std::chrono::milliseconds timeout) noexcept;

  /// Ends the run with the program's exit code (0 to 255; others are kept as given). Waits until the journal is
  /// durable, as long as the keeper advances: at most 150 ms without progress and 5 s in all, then returns
  /// kTimeout; the keeper goes on by itself. Once durable it waits at most 150 ms more until the journal is sealed. A
  /// second call returns ok and does nothing.
  Status finish(std::int32_t exit_code) noexcept;

  const std::string& id() const noexcept;
  const std::string& directory() const noexcept;  ///< The run's directory: DIR/<run id>, absolute.
  const std::string& journal() const noexcept;    ///< The journal's stem: <run id>.r<rank>.a<attempt>.<8 hex>.
  /// A field of the run record as it was resolved ("project", "group", "rank", ...); empty if it is not set.
  std::string field(std::string_view name) const;
  std::int64_t step() const noexcept;  ///< The step that the next log() without a step gets.
  Counts counts() const noexcept;
  Status status() const noexcept;  ///< Ok, or the keeper's present trouble with the journal.

 private:
  class Impl;
  explicit Run(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wb
