// The ledger's file: how it is created, what is checked when it is opened, and how it is read by others.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sync/ledger.h"
#include "sync/ledger_schema.h"

namespace wb {
namespace {

constexpr const char* kLedgerName = "ledger.db";

std::string ledger_path(const std::string& state_directory) {
  return state_directory + "/" + kLedgerName;
}

Status corrupt(std::string what) {
  return {Code::kCorrupt, std::move(what)};
}

// SQLite would create the file readable by others, and would follow a link.
Status make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (descriptor < 0) {
    const Code code = errno == ENOSPC || errno == EDQUOT                    ? Code::kNoSpace
                      : errno == EACCES || errno == EPERM || errno == EROFS ? Code::kPermission
                                                                            : Code::kIoError;
    return {code, std::string("cannot be opened: ") + std::strerror(errno) + "; choose a place with --state DIR"};
  }
  struct stat info {};
  const bool is_known = fstat(descriptor, &info) == 0;
  close(descriptor);
  if (!is_known || !S_ISREG(info.st_mode)) return {Code::kIoError, "is not a regular file; remove it"};
  if (info.st_uid != geteuid()) {
    return {Code::kPermission, "belongs to another user; keep a state of your own with --state DIR"};
  }
  return {};
}

Status create_tables(Database& database) {
  Result<Transaction> transaction = Transaction::begin(database);
  if (!transaction.ok()) return transaction.status();
  for (const LedgerObject& object : kLedgerObjects) {
    if (Status status = database.execute(object.sql); !status.ok()) return status;
  }
  static_assert(kLedgerFormat == 1);
  if (Status status = database.execute("PRAGMA user_version=1"); !status.ok()) return status;
  return transaction.value().commit();
}

Result<std::int64_t> one_number(Database& database, const char* sql) {
  Result<Statement> statement = database.prepare(sql);
  if (!statement.ok()) return statement.status();
  const Result<bool> row = statement.value().step();
  if (!row.ok()) return row.status();
  if (!row.value()) return corrupt("a count is missing");
  return statement.value().column_int64(0);
}

// Exactly our tables and triggers, to the letter: whatever else a foreign file brings along never runs.
Status check_schema(Database& database) {
  Result<std::int64_t> version = one_number(database, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (version.value() > kLedgerFormat) {
    return {Code::kUnsupported, "was written by a newer wbsync; use that one, or another --state DIR"};
  }
  if (version.value() != kLedgerFormat) return corrupt("is no ledger of wbsync; choose another place with --state DIR");
  Result<Statement> objects =
      database.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex%' ORDER BY rowid");
  if (!objects.ok()) return objects.status();
  for (const LedgerObject& expected : kLedgerObjects) {
    const Result<bool> row = objects.value().step();
    if (!row.ok()) return row.status();
    if (!row.value() || objects.value().column_text(0) != expected.name ||
        objects.value().column_text(1) != expected.sql) {
      return corrupt(std::string("the table or trigger ") + expected.name + " is not as wbsync made it");
    }
  }
  const Result<bool> more = objects.value().step();
  if (!more.ok()) return more.status();
  return more.value() ? corrupt("holds tables that wbsync did not make") : Status();
}

// I3: the batches of a stream cover [0, next_off) without gap or overlap.
Status check_counts(Database& database) {
  Result<std::int64_t> wrong =
      one_number(database,
                 "SELECT (SELECT count(*) FROM stream WHERE next_off <> "
                 "(SELECT coalesce(sum(line_count), 0) FROM batch WHERE stream = stream.id)) + "
                 "(SELECT count(*) FROM (SELECT off - coalesce(lag(off + line_count) OVER "
                 "(PARTITION BY stream ORDER BY number), 0) AS gap FROM batch) WHERE gap <> 0) + "
                 "(SELECT count(*) FROM pragma_foreign_key_check)");
  if (!wrong.ok()) return wrong.status();
  return wrong.value() == 0 ? Status() : corrupt("its batches do not fit together");
}

Result<Database> open_database(const std::string& path) {
  Result<Database> database = Database::open(path, OpenMode::kReadWrite);
  if (!database.ok()) return database;
  sqlite3_busy_timeout(database.value().handle(), 5'000);  // `wbsync ls` may be reading.
  Status status =
      database.value().execute("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
  if (!status.ok()) return status;
  const Result<std::int64_t> object_count = one_number(database.value(), "SELECT count(*) FROM sqlite_schema");
  if (!object_count.ok()) return object_count.status();
  if (object_count.value() == 0) status = create_tables(database.value());
  if (status.ok()) status = check_schema(database.value());
  if (status.ok()) status = check_counts(database.value());
  if (!status.ok()) return status;
  return database;
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& state_directory) {
  if (Status status = make_state_directory(state_directory); !status.ok()) return status;
  Result<Lease> lease = Lease::take(state_directory);
  if (!lease.ok()) return lease.status();
  const std::string path = ledger_path(state_directory);
  Status status = make_private_file(path);
  if (!status.ok()) return Status(status.code(), path + ": " + status.message());
  Result<Database> database = open_database(path);
  if (!database.ok()) return Status(database.status().code(), path + ": " + database.status().message());
  return std::unique_ptr<Ledger>(new Ledger(path, std::move(lease).value(), std::move(database).value()));
}

Result<std::vector<UploadedRun>> read_uploaded(const std::string& state_directory) {
  const std::string path = ledger_path(state_directory);
  const auto named = [&path](const Status& status) { return Status(status.code(), path + ": " + status.message()); };
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 && errno == ENOENT) return std::vector<UploadedRun>();
  if (!S_ISREG(info.st_mode)) return named(Status(Code::kIoError, "is not a regular file"));
  Result<Database> database = Database::open(path, OpenMode::kReadOnly);
  if (!database.ok()) return named(database.status());
  sqlite3_busy_timeout(database.value().handle(), 2'000);
  if (info.st_size == 0) return std::vector<UploadedRun>();
  if (Status status = check_schema(database.value()); !status.ok()) return named(status);
  Result<Statement> rows = database.value().prepare(
      "SELECT kind, base_url, entity, project, run_id, next_off, acked_off, "
      "(SELECT count(*) FROM quarantine WHERE stream = stream.id), "
      "EXISTS(SELECT 1 FROM register WHERE target = target.id AND register.kind = 'end') "
      "FROM target JOIN stream ON stream.target = target.id ORDER BY target.id");
  if (!rows.ok()) return named(rows.status());
  std::vector<UploadedRun> runs;
  for (;;) {
    const Result<bool> more = rows.value().step();
    if (!more.ok()) return named(more.status());
    if (!more.value()) return runs;
    const auto text = [&rows](int column) { return std::string(rows.value().column_text(column)); };
    const auto count = [&rows](int column) { return static_cast<std::uint64_t>(rows.value().column_int64(column)); };
    runs.push_back({.key = {text(0), text(1), text(2), text(3), text(4)},
                    .assigned_count = count(5),
                    .acknowledged_count = count(6),
                    .quarantined_count = count(7),
                    .has_ended = rows.value().column_int64(8) != 0});
  }
}

}  // namespace wb
