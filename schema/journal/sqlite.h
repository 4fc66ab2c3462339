// SQLite handles with owners: one database, its prepared statements, its transaction.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "wb/status.h"

namespace wb {

/// How a database is opened.
enum class OpenMode : std::uint8_t {
  kReadWrite,  ///< Created if it is not there; rollback journal and locks as SQLite has them (ledger, store).
  kReadOnly,   ///< With locks; a hot journal is refused.
  kImmutable,  ///< A file nobody changes: no locks, no journal, nothing written; the content is not trusted.
  kExclusive,  ///< Written once by this process alone: no locks, no journal, no sync. The file must exist.
};

/// The Status for what the last call on `database` returned; `where` says what was being done.
Status sqlite_status(sqlite3* database, int result, std::string_view where);

/// One prepared statement, finalized with its scope. Belongs to the connection's thread and must not outlive the
/// Database. Parameters count from 1 and columns from 0, as in SQLite.
class Statement {
 public:
  static Result<Statement> prepare(sqlite3* database, std::string_view sql);

  Status bind(int parameter, std::int64_t value);
  Status bind(int parameter, double value);
  /// Texts and blobs are borrowed until the next reset() or run().
  Status bind_text(int parameter, std::string_view text);
  Status bind_blob(int parameter, std::span<const std::byte> bytes);
  Status bind_null(int parameter);

  /// True while there is a row. After false or an error: reset() before the next use.
  Result<bool> step();
  /// Makes the statement ready for new values and drops the old ones.
  void reset() noexcept;
  /// Executes to the end, leaving rows out, and resets: for INSERT, UPDATE, DELETE.
  Status run();

  bool is_null(int column) const noexcept;
  int column_type(int column) const noexcept;  ///< SQLITE_INTEGER, SQLITE_TEXT, ...
  std::int64_t column_int64(int column) const noexcept;
  double column_double(int column) const noexcept;
  /// Valid until the next step(), reset() or run().
  std::string_view column_text(int column) const noexcept;
  std::span<const std::byte> column_blob(int column) const noexcept;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  Status check(int result, std::string_view where) const;

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// One connection, closed with its scope. Belongs to one thread at a time; statements must be gone before it.
class Database {
 public:
  /// kNotFound, kPermission, kNoSpace, kIoError, kCorrupt (no database). Messages name the path.
  /// With kImmutable and kExclusive the path is taken as it is, so that it may lead through /proc/self/fd.
  static Result<Database> open(const std::string& path, OpenMode mode);

  Result<Statement> prepare(std::string_view sql) const { return Statement::prepare(handle_.get(), sql); }
  /// Executes constant statements without parameters, separated by semicolons.
  Status execute(const char* sql);
  /// Closes and reports what only closing finds. The handle is gone afterwards in any case.
  Status close();

  std::int64_t changes() const noexcept { return sqlite3_changes(handle_.get()); }
  std::int64_t last_insert_id() const noexcept { return sqlite3_last_insert_rowid(handle_.get()); }
  sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

/// All or nothing: rolled back with its scope unless commit() returned ok. `database` must outlive it.
class Transaction {
 public:
  /// Takes the write lock at once. kTimeout: another connection holds it.
  static Result<Transaction> begin(Database& database);
  Status commit();

  ~Transaction();
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

}  // namespace wb
