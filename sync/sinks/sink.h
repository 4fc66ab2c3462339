// Sink: a target of wbsync. Knows one target's requests; retries, rate limits and fault reports lie outside of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/run_model.h"

namespace wb {

/// What a target knows of a run before the first line is sent.
struct RemoteRun {
  std::string entity;  ///< As the target resolved it.
  std::uint64_t history_line_count = 0;
  bool inserted = false;  ///< The target did not know the run before.
};

/// One delivery of history lines, and of the registers with the last one.
struct Delivery {
  std::uint64_t history_offset = 0;
  const std::vector<std::string>* lines = nullptr;  ///< May be null.
  bool with_summary = false;
  bool with_end = false;  ///< The run has ended: state and exit code.
};

/// kUnavailable: try again later (retry_after_ms if the target said so). kUnauthorized: stop the target.
/// kRejected: this content is refused for good.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string name() const = 0;  ///< For messages and the ledger: "wandb:https://host".
  /// Creates the run or updates its fields and config. Idempotent.
  virtual Result<RemoteRun> upsert_run(const RunModel& run) = 0;
  virtual Status deliver(const RunModel& run, const RemoteRun& remote, const Delivery& delivery) = 0;
  /// What the last failure asked for, in ms; nothing if it did not say.
  virtual std::optional<std::int64_t> retry_after_ms() const = 0;
};

}  // namespace wb
