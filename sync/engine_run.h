// One run's way through the engine: the steps; their order is decided in sync_run().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sync/engine.h"

namespace wb {

/// Assigned lines on their way: [offset, offset + lines.size()).
struct Piece {
  std::uint64_t offset = 0;
  std::vector<std::string> lines;
};

/// What the registers of a run should say; compared with what was acknowledged.
Digest fields_digest(const RunModel& run);
Digest summary_digest(const RunModel& run);
Digest end_digest(const RunModel& run, std::uint64_t line_count);

/// The steps on one run. Each returns false after it has put the reason into the report: stop then.
class RunSync {
 public:
  RunSync(const RunModel& run, Ledger& ledger, Courier& courier, const EngineOptions& options,
          EngineCounters& counters);

  [[nodiscard]] bool look_up();                ///< What does the ledger know?
  [[nodiscard]] bool upsert_if_changed();      ///< Fields and config.
  [[nodiscard]] bool resend_assigned();        ///< Lines that were assigned and never acknowledged.
  [[nodiscard]] bool send_new();               ///< Assigns and sends what the journals have more.
  [[nodiscard]] bool finish_with_registers();  ///< The last lines, summary and end.

  RunReport take_report();

 private:
  bool stop(ExitCode exit_code, const Status& status);
  bool stop_for(const Status& delivery_failure);
  bool check_remote(const RemoteRun& remote);
  bool push(Piece piece);
  std::map<Register, Digest> due_registers() const;
  bool deliver(std::uint64_t offset, std::vector<std::string> lines, const std::map<Register, Digest>& registers);
  bool deliver_refused(std::uint64_t offset, std::vector<std::string> lines,
                       const std::map<Register, Digest>& registers, const Status& refusal);
  bool deliver_quarantined(std::uint64_t offset, const std::string& line, const Status& refusal);
  bool deliver_registers_apart(const std::map<Register, Digest>& registers, const Status& refusal);
  Status send(std::uint64_t offset, const std::vector<std::string>& lines, const std::map<Register, Digest>& registers);
  bool acknowledge(std::uint64_t offset, std::size_t count, const std::map<Register, Digest>& registers);
  std::vector<JournalRange> new_ranges(const std::map<Uuid, std::uint64_t>& cursors);

  const RunModel& run_;
  Ledger& ledger_;
  Courier& courier_;
  const EngineOptions& options_;
  EngineCounters& counters_;
  TargetKey key_;
  std::optional<TargetState> state_;
  RemoteRun remote_;
  std::optional<Piece> held_;  // The newest piece: sent when it is known whether the registers go with it.
  Status waiting_;             // Why rows wait that are in the journals, if some do.
  int quarantined_now_ = 0;
  RunReport report_;
};

}  // namespace wb
