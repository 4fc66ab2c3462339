// Ledger: which line of a run is which records, decided once and kept before its first byte leaves.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "schema/journal/sqlite.h"
#include "schema/uuid.h"
#include "sync/digest.h"
#include "sync/ledger_place.h"
#include "sync/row_stream.h"

namespace wb {

/// One run at one server, as the caller names it.
struct TargetKey {
  std::string kind, base_url, entity, project, run_id;
};

enum class Register : std::uint8_t { kFields, kSummary, kEnd };

/// What the ledger knows of a target.
struct TargetState {
  std::int64_t target = 0;
  std::int64_t stream = 0;
  std::string remote_entity;                ///< As the server resolved it.
  std::uint64_t next_offset = 0;            ///< Lines assigned.
  std::uint64_t acked_offset = 0;           ///< Lines acknowledged (A3).
  std::int64_t last_step = -1;              ///< The `_step` of the last assigned line.
  std::uint64_t quarantined_count = 0;      ///< Lines.
  std::map<Register, Digest> acknowledged;  ///< Hashes of the registers.
};

/// A batch as it was assigned: everything that is needed to make the same bytes again.
struct AssignedBatch {
  std::uint64_t offset = 0;
  std::uint64_t line_count = 0;
  std::int64_t previous_step = -1;
  int encoder_version = 0;
  Digest payload_hash{};
  std::vector<JournalRange> parts;
};

/// A line that the server refused for good, and the line that takes its place.
struct QuarantinedLine {
  std::uint64_t offset = 0;
  Digest refused_hash{};
  std::string reason;
  std::string line;
};

/// The hash of lines, each with its length.
Digest hash_lines(const std::vector<std::string>& lines);

/// A SQLite file, `ledger.db`, with rollback journal and synchronous=FULL: what a call has returned ok for survives
/// a power cut. Thread-safe; each call is one transaction. An error leaves the ledger as it was: kNoSpace,
/// kPermission, kIoError, kTimeout (a reader is in the way), kCorrupt (somebody changed it), kInternal (the caller
/// breaks an invariant). Messages name the file.
class Ledger {
 public:
  /// Opens or creates the ledger in `state_directory`, which is created too, and takes the lease. A ledger from
  /// elsewhere is not trusted: its owner, schema and counts are checked. kTimeout: another wbsync is at work.
  static Result<std::unique_ptr<Ledger>> open(const std::string& state_directory);

  /// Nothing if the target is not known.
  Result<std::optional<TargetState>> find(const TargetKey& key);
  /// Notes a target after its first upsert was acknowledged, or a new entity or fields of a known one. kExists: the
  /// server's run is another target's already.
  Result<TargetState> upserted(const TargetKey& key, const std::string& remote_entity, const Digest& fields);

  /// The last sequence number assigned of each journal.
  Result<std::map<Uuid, std::uint64_t>> cursors(std::int64_t stream);
  /// Batches with lines that are not acknowledged, in order of their offsets.
  Result<std::vector<AssignedBatch>> unacknowledged(std::int64_t stream);
  /// Lines [first, end) that were quarantined, in order.
  Result<std::vector<QuarantinedLine>> quarantined(std::int64_t stream, std::uint64_t first, std::uint64_t end);

  /// Gives the batch's lines the next offsets, for good. Call it before the first byte of them is sent.
  Result<AssignedBatch> assign(std::int64_t stream, const Batch& batch);
  /// Lines [first, end) were acknowledged, and with them the registers. `first` must be the acknowledged offset.
  Status acknowledge(const TargetState& state, std::uint64_t first, std::uint64_t end,
                     const std::map<Register, Digest>& registers);
  /// Call it before the first byte of the line that takes the refused one's place is sent.
  Status quarantine(std::int64_t stream, const QuarantinedLine& line);

  const std::string& path() const noexcept { return path_; }

 private:
  Ledger(std::string path, Lease lease, Database database)
      : path_(std::move(path)), lease_(std::move(lease)), database_(std::move(database)) {}

  Status named(const Status& status) const;
  Status add_parts(std::int64_t stream, std::int64_t number, const std::vector<JournalRange>& parts);
  Status set_registers(std::int64_t target, const std::map<Register, Digest>& registers);
  Result<std::vector<JournalRange>> parts_of(std::int64_t stream, std::int64_t number);

  std::string path_;
  Lease lease_;
  std::mutex mutex_;
  Database database_;
};

/// What the ledgers say of a run, for `wbsync ls`.
struct UploadedRun {
  TargetKey key;
  std::uint64_t assigned_count = 0;      ///< Lines.
  std::uint64_t acknowledged_count = 0;  ///< Lines that the server acknowledged (A3).
  std::uint64_t quarantined_count = 0;
  bool has_ended = false;  ///< The server acknowledged its end.
};

/// Reads the ledger in a state directory without changing it, also while a wbsync is at work. No ledger: empty.
/// kTimeout, kCorrupt, kPermission, kIoError.
Result<std::vector<UploadedRun>> read_uploaded(const std::string& state_directory);

}  // namespace wb
