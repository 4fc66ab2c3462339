// SQLite handles: the one place that opens databases and translates result codes.
#include "schema/journal/sqlite.h"

#include <cstring>

#include "schema/os_status.h"

namespace wb {
namespace {

Code code_of(int result, int system_errno) noexcept {
  switch (result & 0xFF) {
    case SQLITE_FULL:
      return Code::kNoSpace;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return Code::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
      return Code::kTimeout;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return Code::kPermission;
    case SQLITE_CONSTRAINT:
      return Code::kExists;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
      return Code::kInternal;
    case SQLITE_TOOBIG:
      return Code::kInvalidArgument;
    default:
      return code_of_errno(system_errno);
  }
}

// SQLite resolves every path to at most 512 bytes. Longer ones are given to it through /proc/self/fd, and must stay
// as they are.
int keep_path(sqlite3_vfs* /*vfs*/, const char* path, int out_bytes, char* out) {
  const std::size_t bytes = std::strlen(path) + 1;
  if (bytes > static_cast<std::size_t>(out_bytes)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, bytes);
  return SQLITE_OK;
}

// The VFS without locks and with paths as given; registered once, never the default.
const char* plain_vfs_name() {
  static constexpr const char* kName = "wb-plain";
  static sqlite3_vfs plain{};
  static const bool registered = [] {
    sqlite3_initialize();
    const sqlite3_vfs* none = sqlite3_vfs_find("unix-none");
    if (none == nullptr) return false;
    plain = *none;
    plain.zName = kName;
    plain.pNext = nullptr;
    plain.xFullPathname = keep_path;
    return sqlite3_vfs_register(&plain, 0) == SQLITE_OK;
  }();
  return registered ? kName : "unix-none";
}

// The bytes that mean something in a URI are escaped.
std::string uri_of(const std::string& path, const char* parameters) {
  std::string uri = "file:";
  for (const char c : path) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    if (c == '%' || c == '?' || c == '#') {
      uri += '%';
      uri += kDigits[static_cast<unsigned char>(c) >> 4];
      uri += kDigits[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri + parameters;
}

}  // namespace

Status sqlite_status(sqlite3* database, int result, std::string_view where) {
  const int system_errno = database != nullptr ? sqlite3_system_errno(database) : 0;
  std::string message(where);
  message += ": ";
  message += database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(result);
  const Code code = code_of(result, system_errno);
  if (system_errno != 0 && ((result & 0xFF) == SQLITE_IOERR || (result & 0xFF) == SQLITE_CANTOPEN)) {
    message += " (";
    message += std::strerror(system_errno);
    message += ")";
  }
  return {code, std::move(message)};
}

Result<Statement> Statement::prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), 0, &handle, nullptr);
  if (result != SQLITE_OK) return sqlite_status(database, result, sql);
  return Statement(handle);
}

Status Statement::check(int result, std::string_view where) const {
  return result == SQLITE_OK ? Status() : sqlite_status(sqlite3_db_handle(handle_.get()), result, where);
}

Status Statement::bind(int parameter, std::int64_t value) {
  return check(sqlite3_bind_int64(handle_.get(), parameter, value), "bind");
}

Status Statement::bind(int parameter, double value) {
  return check(sqlite3_bind_double(handle_.get(), parameter, value), "bind");
}

Status Statement::bind_text(int parameter, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";  // A null pointer would bind NULL.
  return check(sqlite3_bind_text64(handle_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8), "bind");
}

Status Statement::bind_blob(int parameter, std::span<const std::byte> bytes) {
  const void* data = bytes.data() != nullptr ? static_cast<const void*>(bytes.data()) : "";
  return check(sqlite3_bind_blob64(handle_.get(), parameter, data, bytes.size(), SQLITE_STATIC), "bind");
}

Status Statement::bind_null(int parameter) {
  return check(sqlite3_bind_null(handle_.get(), parameter), "bind");
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(handle_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return sqlite_status(sqlite3_db_handle(handle_.get()), result, sqlite3_sql(handle_.get()));
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

Status Statement::run() {
  Status status;
  for (;;) {
    const Result<bool> row = step();
    if (!row.ok()) status = row.status();
    if (!row.ok() || !row.value()) break;
  }
  reset();
  return status;
}

bool Statement::is_null(int column) const noexcept {
  return column_type(column) == SQLITE_NULL;
}

int Statement::column_type(int column) const noexcept {
  return sqlite3_column_type(handle_.get(), column);
}

std::int64_t Statement::column_int64(int column) const noexcept {
  return sqlite3_column_int64(handle_.get(), column);
}

double Statement::column_double(int column) const noexcept {
  return sqlite3_column_double(handle_.get(), column);
}

std::string_view Statement::column_text(int column) const noexcept {
  const unsigned char* text = sqlite3_column_text(handle_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::span<const std::byte> Statement::column_blob(int column) const noexcept {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const std::byte*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

Result<Database> Database::open(const std::string& path, OpenMode mode) {
  const bool plain = mode == OpenMode::kImmutable || mode == OpenMode::kExclusive;
  const bool read_only = mode == OpenMode::kImmutable || mode == OpenMode::kReadOnly;
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == OpenMode::kReadWrite) flags |= SQLITE_OPEN_CREATE;
  const std::string uri = uri_of(path, mode == OpenMode::kImmutable ? "?mode=ro&immutable=1" : "");
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(uri.c_str(), &handle, flags, plain ? plain_vfs_name() : nullptr);
  Database database(handle);
  if (result != SQLITE_OK) return sqlite_status(handle, result, path);
  // Defensive mode forbids journal_mode=OFF, which a file under construction needs.
  if (mode != OpenMode::kExclusive) sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  const char* settings = "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON";
  Status status = database.execute(settings);
  if (!status.ok()) return Status(status.code(), path + ": " + status.message());
  return database;
}

Status Database::execute(const char* sql) {
  const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? Status() : sqlite_status(handle_.get(), result, sql);
}

Status Database::close() {
  const int result = sqlite3_close(handle_.get());
  if (result == SQLITE_OK) {
    static_cast<void>(handle_.release());
    return {};
  }
  Status status = sqlite_status(handle_.get(), result, "close");
  handle_.reset();
  return status;
}

Result<Transaction> Transaction::begin(Database& database) {
  Status status = database.execute("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  return Transaction(&database);
}

Status Transaction::commit() {
  Status status = database_->execute("COMMIT");
  if (status.ok()) database_ = nullptr;
  return status;
}

Transaction::~Transaction() {
  // After some errors SQLite has rolled back by itself; a second ROLLBACK then fails harmlessly.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

}  // namespace wb
