// Runs as the journals tell them: identity, state, config, summary, and the journals that belong to each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schema/journal/journal_reader.h"
#include "schema/record.h"
#include "sync/key_table.h"

namespace wb {

/// How a process or run stands.
enum class RunState : std::uint8_t {
  kRunning,   ///< Heartbeats or records in the last 10 minutes, or its process is alive on this machine.
  kFinished,  ///< Exit code 0.
  kFailed,    ///< Another exit code.
  kCrashed,   ///< It ended without a finish record (killed, or lost its keeper on this machine).
  kLost,      ///< Nothing heard for 10 minutes and nothing known.
};
std::string_view run_state_name(RunState state) noexcept;  // "running", "finished", ...

/// One journal: what one process wrote for one run.
struct JournalModel {
  JournalFiles files;
  JournalScan scan;
  std::string run_id, project, entity;
  std::int64_t rank = 0, world_size = 1, attempt = 0;
  std::string host, boot_id, job;
  std::string parent_journal;  ///< Hex uuid of the journal whose process forked this one's; usually empty.
  std::int64_t pid = 0;
  std::uint64_t pid_start_ticks = 0;
  Timestamp start, last;            ///< First record; newest record or heartbeat.
  std::int64_t last_step = -1;      ///< Highest step of its rows; -1: none.
  std::uint64_t row_count = 0;      ///< Rows with their parts joined.
  std::uint64_t dropped_count = 0;  ///< From gap records.
  std::uint64_t out_of_order_count = 0;
  RunState state = RunState::kRunning;
  std::optional<std::int32_t> exit_code;
  bool has_death = false;             ///< A death record stands in it.
  std::int64_t sync_interval_ms = 0;  ///< As the process asked for; 0: by file system.
  KeyTable keys;                      ///< Of all records read, in whichever file they stood.
  std::string state_reason;           ///< One phrase: "finish record", "killed or exited, code unknown", ...
};

/// One run, rebuilt from all its journals. Values are JSON texts (NaN and Infinity may stand bare in them).
struct RunModel {
  std::string id, project, entity, group, job_type, name, notes, host, program;
  /// What a person sees: the name, or the id where the program gave none.
  const std::string& shown_name() const { return name.empty() ? id : name; }
  std::vector<std::string> tags;
  std::map<std::string, std::string> config;                    ///< Top-level key to JSON text.
  std::map<std::string, std::string> summary;                   ///< Complete, define_metric kinds applied.
  std::vector<std::map<std::string, std::string>> definitions;  ///< define_metric records, fields as text.
  std::vector<JournalModel> journals;                           ///< By (start, uuid).
  RunState state = RunState::kRunning;                          ///< See run_state_of() in run_state.h.
  std::int32_t exit_code = 0;  ///< For the server: 0, the failed code, 1 for crashed and lost.
  std::int64_t start_wall_us = 0;
  std::int64_t last_wall_us = 0;
  std::uint64_t row_count = 0;
  std::int64_t last_step = -1;
};

/// What was found below some paths.
struct Discovery {
  std::vector<RunModel> runs;    ///< By (project, group, name, id).
  std::vector<Damage> damage;    ///< Of all journals, and files that are no journals though named like one.
  std::vector<Status> problems;  ///< Paths that do not exist or cannot be read.
};

/// Finds the journals below each path (a directory of runs, a run's directory, a journal file; at most four levels
/// deep, symbolic links not followed, `.wbsync` skipped), reads them completely and rebuilds the runs.
Discovery discover(const std::vector<std::string>& paths);

}  // namespace wb
