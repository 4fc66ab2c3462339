// The ledger's transactions. Each invariant of faults.md, section 4, stands next to the line that keeps it.
#include "sync/ledger.h"

#include <array>
#include <cassert>
#include <cstring>

namespace wb {
namespace {

constexpr const char* kHistory = "history";
constexpr std::string_view kRegisterNames[] = {"fields", "summary", "end"};
constexpr std::uint64_t kOffsetMax = INT64_MAX;

std::string_view register_name(Register kind) noexcept {
  return kRegisterNames[static_cast<std::size_t>(kind)];
}

std::int64_t as_signed(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value);
}

Status corrupt(std::string what) {
  return {Code::kCorrupt, std::move(what)};
}

Digest digest_at(const Statement& row, int column) {
  Digest digest{};
  const auto bytes = row.column_blob(column);
  if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

// Binds the values to parameters 1, 2, ... in order; texts and blobs are borrowed until the statement has run.
Status bind_one(Statement& statement, int at, std::int64_t value) {
  return statement.bind(at, value);
}
Status bind_one(Statement& statement, int at, std::string_view text) {
  return statement.bind_text(at, text);
}
Status bind_one(Statement& statement, int at, std::span<const std::byte> bytes) {
  return statement.bind_blob(at, bytes);
}

template <typename... Values>
Result<Statement> prepared(Database& database, const char* sql, const Values&... values) {
  Result<Statement> statement = database.prepare(sql);
  if (!statement.ok()) return statement;
  int at = 0;
  Status status;
  ((status = status.ok() ? bind_one(statement.value(), ++at, values) : status), ...);
  if (!status.ok()) return status;
  return statement;
}

template <typename... Values>
Status run(Database& database, const char* sql, const Values&... values) {
  Result<Statement> statement = prepared(database, sql, values...);
  return statement.ok() ? statement.value().run() : statement.status();
}

std::span<const std::byte> bytes_of(const Digest& digest) noexcept {
  return digest;
}

}  // namespace

Digest hash_lines(const std::vector<std::string>& lines) {
  PartHash hash;
  for (const std::string& line : lines) hash.update(line);
  return hash.finish();
}

Status Ledger::named(const Status& status) const {
  if (status.ok()) return status;
  // A constraint that fires is an invariant that the caller broke.
  const Code code = status.code() == Code::kExists ? Code::kInternal : status.code();
  return {code, path_ + ": " + status.message()};
}

Result<std::optional<TargetState>> Ledger::find(const TargetKey& key) {
  const std::scoped_lock lock(mutex_);
  Result<Statement> found =
      prepared(database_,
               "SELECT target.id, stream.id, remote_entity, next_off, acked_off, last_step, "
               "(SELECT count(*) FROM quarantine WHERE stream = stream.id) FROM target "
               "JOIN stream ON stream.target = target.id AND name = ? "
               "WHERE kind = ? AND base_url = ? AND entity = ? AND project = ? AND run_id = ?",
               std::string_view(kHistory), std::string_view(key.kind), std::string_view(key.base_url),
               std::string_view(key.entity), std::string_view(key.project), std::string_view(key.run_id));
  if (!found.ok()) return named(found.status());
  Statement& row = found.value();
  const Result<bool> is_known = row.step();
  if (!is_known.ok()) return named(is_known.status());
  if (!is_known.value()) return std::optional<TargetState>();
  TargetState state;
  state.target = row.column_int64(0);
  state.stream = row.column_int64(1);
  state.remote_entity = row.column_text(2);
  state.next_offset = static_cast<std::uint64_t>(row.column_int64(3));
  state.acked_offset = static_cast<std::uint64_t>(row.column_int64(4));
  state.last_step = row.column_int64(5);
  state.quarantined_count = static_cast<std::uint64_t>(row.column_int64(6));
  Result<Statement> registers = prepared(database_, "SELECT kind, hash FROM register WHERE target = ?", state.target);
  if (!registers.ok()) return named(registers.status());
  for (;;) {
    const Result<bool> more = registers.value().step();
    if (!more.ok()) return named(more.status());
    if (!more.value()) break;
    for (const Register kind : {Register::kFields, Register::kSummary, Register::kEnd}) {
      if (registers.value().column_text(0) == register_name(kind)) {
        state.acknowledged[kind] = digest_at(registers.value(), 1);
      }
    }
  }
  return std::optional<TargetState>(std::move(state));
}

Result<TargetState> Ledger::upserted(const TargetKey& key, const std::string& remote_entity, const Digest& fields) {
  {
    const std::scoped_lock lock(mutex_);
    Result<Transaction> transaction = Transaction::begin(database_);
    if (!transaction.ok()) return named(transaction.status());
    Result<Statement> other =
        prepared(database_,
                 "SELECT entity FROM target WHERE kind = ? AND base_url = ? AND remote_entity = ? "
                 "AND project = ? AND run_id = ? AND entity <> ?",
                 std::string_view(key.kind), std::string_view(key.base_url), std::string_view(remote_entity),
                 std::string_view(key.project), std::string_view(key.run_id), std::string_view(key.entity));
    if (!other.ok()) return named(other.status());
    const Result<bool> is_taken = other.value().step();
    if (!is_taken.ok()) return named(is_taken.status());
    if (is_taken.value()) {
      return Status(Code::kExists, path_ + ": run " + key.run_id + " of entity \"" + remote_entity +
                                       "\" is uploaded as one of entity \"" +
                                       std::string(other.value().column_text(0)) +
                                       "\" already; their rows would overwrite each other, use the same --entity");
    }
    other.value().reset();
    Result<Statement> noted =
        prepared(database_,
                 "INSERT INTO target(kind, base_url, entity, project, run_id, remote_entity) VALUES(?, ?, ?, ?, ?, ?) "
                 "ON CONFLICT DO UPDATE SET remote_entity = excluded.remote_entity RETURNING id",
                 std::string_view(key.kind), std::string_view(key.base_url), std::string_view(key.entity),
                 std::string_view(key.project), std::string_view(key.run_id), std::string_view(remote_entity));
    if (!noted.ok()) return named(noted.status());
    const Result<bool> row = noted.value().step();
    if (!row.ok()) return named(row.status());
    const std::int64_t target = noted.value().column_int64(0);
    if (Status status = noted.value().run(); !status.ok()) return named(status);
    Status status = run(database_, "INSERT INTO stream(target, name) VALUES(?, ?) ON CONFLICT DO NOTHING", target,
                        std::string_view(kHistory));
    if (status.ok()) status = set_registers(target, {{Register::kFields, fields}});
    if (status.ok()) status = transaction.value().commit();
    if (!status.ok()) return named(status);
  }
  Result<std::optional<TargetState>> state = find(key);
  if (!state.ok()) return state.status();
  assert(state.value().has_value());
  return *std::move(state).value();
}

Status Ledger::set_registers(std::int64_t target, const std::map<Register, Digest>& registers) {
  for (const auto& [kind, hash] : registers) {
    Status status = run(database_,
                        "INSERT INTO register(target, kind, hash) VALUES(?, ?, ?) "
                        "ON CONFLICT DO UPDATE SET hash = excluded.hash",
                        target, register_name(kind), bytes_of(hash));
    if (!status.ok()) return status;
  }
  return {};
}

Result<std::map<Uuid, std::uint64_t>> Ledger::cursors(std::int64_t stream) {
  const std::scoped_lock lock(mutex_);
  Result<Statement> rows =
      prepared(database_, "SELECT journal, max(last_seq) FROM batch_part WHERE stream = ? GROUP BY journal", stream);
  if (!rows.ok()) return named(rows.status());
  std::map<Uuid, std::uint64_t> cursors;
  for (;;) {
    const Result<bool> more = rows.value().step();
    if (!more.ok()) return named(more.status());
    if (!more.value()) return cursors;
    Uuid journal;
    const auto bytes = rows.value().column_blob(0);
    if (bytes.size() != journal.bytes.size()) return named(corrupt("a journal's name has a wrong length"));
    std::memcpy(journal.bytes.data(), bytes.data(), bytes.size());
    cursors[journal] = static_cast<std::uint64_t>(rows.value().column_int64(1));
  }
}

Result<std::vector<JournalRange>> Ledger::parts_of(std::int64_t stream, std::int64_t number) {
  Result<Statement> rows = prepared(database_,
                                    "SELECT journal, first_seq, last_seq FROM batch_part WHERE stream = ? AND "
                                    "number = ? ORDER BY position",
                                    stream, number);
  if (!rows.ok()) return rows.status();
  std::vector<JournalRange> parts;
  for (;;) {
    const Result<bool> more = rows.value().step();
    if (!more.ok()) return more.status();
    if (!more.value()) return parts;
    JournalRange part;
    const auto bytes = rows.value().column_blob(0);
    if (bytes.size() != part.journal.bytes.size()) return corrupt("a journal's name has a wrong length");
    std::memcpy(part.journal.bytes.data(), bytes.data(), bytes.size());
    part.first_sequence = static_cast<std::uint64_t>(rows.value().column_int64(1));
    part.last_sequence = static_cast<std::uint64_t>(rows.value().column_int64(2));
    parts.push_back(part);
  }
}

Result<std::vector<AssignedBatch>> Ledger::unacknowledged(std::int64_t stream) {
  const std::scoped_lock lock(mutex_);
  Result<Statement> rows =
      prepared(database_,
               "SELECT number, off, line_count, previous_step, encoder_version, payload_hash FROM batch WHERE "
               "stream = ?1 AND line_count > 0 AND off + line_count > (SELECT acked_off FROM stream WHERE id = ?1) "
               "ORDER BY number",
               stream);
  if (!rows.ok()) return named(rows.status());
  std::vector<AssignedBatch> batches;
  for (;;) {
    const Result<bool> more = rows.value().step();
    if (!more.ok()) return named(more.status());
    if (!more.value()) return batches;
    AssignedBatch batch;
    batch.offset = static_cast<std::uint64_t>(rows.value().column_int64(1));
    batch.line_count = static_cast<std::uint64_t>(rows.value().column_int64(2));
    batch.previous_step = rows.value().column_int64(3);
    batch.encoder_version = static_cast<int>(rows.value().column_int64(4));
    batch.payload_hash = digest_at(rows.value(), 5);
    Result<std::vector<JournalRange>> parts = parts_of(stream, rows.value().column_int64(0));
    if (!parts.ok()) return named(parts.status());
    batch.parts = std::move(parts).value();
    batches.push_back(std::move(batch));
  }
}

Result<std::vector<QuarantinedLine>> Ledger::quarantined(std::int64_t stream, std::uint64_t first, std::uint64_t end) {
  const std::scoped_lock lock(mutex_);
  Result<Statement> rows = prepared(database_,
                                    "SELECT off, refused_hash, reason, line FROM quarantine WHERE stream = ? AND "
                                    "off >= ? AND off < ? ORDER BY off",
                                    stream, as_signed(first), as_signed(end));
  if (!rows.ok()) return named(rows.status());
  std::vector<QuarantinedLine> lines;
  for (;;) {
    const Result<bool> more = rows.value().step();
    if (!more.ok()) return named(more.status());
    if (!more.value()) return lines;
    lines.push_back({.offset = static_cast<std::uint64_t>(rows.value().column_int64(0)),
                     .refused_hash = digest_at(rows.value(), 1),
                     .reason = std::string(rows.value().column_text(2)),
                     .line = std::string(rows.value().column_text(3))});
  }
}

Status Ledger::add_parts(std::int64_t stream, std::int64_t number, const std::vector<JournalRange>& parts) {
  std::int64_t position = 0;
  for (const JournalRange& part : parts) {
    // I3: the trigger part_is_new refuses a record that has a line already.
    Status status = run(database_,
                        "INSERT INTO batch_part(stream, number, position, journal, first_seq, last_seq) "
                        "VALUES(?, ?, ?, ?, ?, ?)",
                        stream, number, position++, std::span<const std::byte>(part.journal.bytes),
                        as_signed(part.first_sequence), as_signed(part.last_sequence));
    if (!status.ok()) return status;
  }
  return {};
}

Result<AssignedBatch> Ledger::assign(std::int64_t stream, const Batch& batch) {
  const std::scoped_lock lock(mutex_);
  Result<Transaction> transaction = Transaction::begin(database_);
  if (!transaction.ok()) return named(transaction.status());
  Result<Statement> place = prepared(database_,
                                     "SELECT next_off, coalesce((SELECT max(number) + 1 FROM batch WHERE "
                                     "stream = ?1), 0) FROM stream WHERE id = ?1",
                                     stream);
  if (!place.ok()) return named(place.status());
  const Result<bool> row = place.value().step();
  if (!row.ok()) return named(row.status());
  if (!row.value()) return Status(Code::kInternal, path_ + ": no such stream");
  AssignedBatch assigned;
  assigned.offset = static_cast<std::uint64_t>(place.value().column_int64(0));
  const std::int64_t number = place.value().column_int64(1);
  place.value().reset();
  assigned.line_count = batch.lines.size();
  assigned.previous_step = batch.previous_step;
  assigned.encoder_version = kEncoderVersion;
  assigned.payload_hash = hash_lines(batch.lines);
  assigned.parts = batch.parts;
  assert(assigned.line_count <= kOffsetMax - assigned.offset);
  // I1: the triggers batch_follows, batch_stays and batch_remains keep the row for good, at the next offset only.
  Status status = run(database_,
                      "INSERT INTO batch(stream, number, off, line_count, previous_step, last_step, "
                      "encoder_version, payload_hash) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                      stream, number, as_signed(assigned.offset), as_signed(assigned.line_count), batch.previous_step,
                      batch.last_step, std::int64_t{kEncoderVersion}, bytes_of(assigned.payload_hash));
  if (status.ok()) status = add_parts(stream, number, batch.parts);
  if (status.ok()) {
    status = run(database_, "UPDATE stream SET next_off = next_off + ?, last_step = ? WHERE id = ?",
                 as_signed(assigned.line_count), batch.last_step, stream);
  }
  // I2: the caller sends only after this commit has returned ok.
  if (status.ok()) status = transaction.value().commit();
  if (!status.ok()) return named(status);
  return assigned;
}

Status Ledger::acknowledge(const TargetState& state, std::uint64_t first, std::uint64_t end,
                           const std::map<Register, Digest>& registers) {
  const std::scoped_lock lock(mutex_);
  Result<Transaction> transaction = Transaction::begin(database_);
  if (!transaction.ok()) return named(transaction.status());
  // I4, I5: in order, without a gap, never beyond what was assigned (the table's CHECK).
  Status status = run(database_, "UPDATE stream SET acked_off = ? WHERE id = ? AND acked_off = ?", as_signed(end),
                      state.stream, as_signed(first));
  if (!status.ok()) return named(status);
  if (database_.changes() != 1) return Status(Code::kInternal, path_ + ": acknowledged out of order");
  status = set_registers(state.target, registers);
  if (status.ok()) status = transaction.value().commit();
  return named(status);
}

Status Ledger::quarantine(std::int64_t stream, const QuarantinedLine& line) {
  const std::scoped_lock lock(mutex_);
  Result<Transaction> transaction = Transaction::begin(database_);
  if (!transaction.ok()) return named(transaction.status());
  Status status = run(
      database_, "INSERT INTO quarantine(stream, off, refused_hash, reason, line) VALUES(?, ?, ?, ?, ?)", stream,
      as_signed(line.offset), bytes_of(line.refused_hash), std::string_view(line.reason), std::string_view(line.line));
  if (status.ok()) status = transaction.value().commit();
  return named(status);
}

}  // namespace wb
