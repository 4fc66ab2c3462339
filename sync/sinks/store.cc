// Local store: each run is taken out and written anew in one transaction, unless nothing about it changed.
#include "sync/sinks/store.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "schema/journal/sqlite.h"
#include "sync/json.h"
#include "sync/merged_rows.h"
#include "sync/sinks/store_schema.h"
#include "sync/sinks/store_series.h"

namespace wb {
namespace {

using SeriesByKey = std::map<std::string, SeriesFold>;

/// Binds values one after the other and keeps the first failure.
class Binder {
 public:
  explicit Binder(Statement& statement) : statement_(statement) {}

  Binder& number(std::int64_t value) { return note(statement_.bind(next_++, value)); }
  Binder& number(std::uint64_t value) { return number(static_cast<std::int64_t>(value)); }
  Binder& text(std::string_view value) { return note(statement_.bind_text(next_++, value)); }
  Binder& real(bool present, double value) {
    return note(present ? statement_.bind(next_++, value) : statement_.bind_null(next_++));
  }
  Binder& exit_code(const std::optional<std::int32_t>& value) {
    return note(value ? statement_.bind(next_++, std::int64_t{*value}) : statement_.bind_null(next_++));
  }
  Status run() { return status_.ok() ? statement_.run() : status_; }

 private:
  Binder& note(Status status) {
    if (status_.ok()) status_ = std::move(status);
    return *this;
  }
  Statement& statement_;
  int next_ = 1;
  Status status_;
};

std::string tags_json(const RunModel& run) {
  std::string json;
  for (const std::string& tag : run.tags) json += (json.empty() ? "" : ",") + json_string(tag);
  return "[" + json + "]";
}

/// Equal marks: the same records were read and they mean the same.
std::string mark_of(const RunModel& run) {
  std::string mark(run_state_name(run.state));
  for (const JournalModel& journal : run.journals) {
    mark += ' ' + journal.scan.journal.hex() + ':' + std::to_string(journal.scan.last_sequence) + ':' +
            std::to_string(journal.scan.record_count) + ':' + std::string(run_state_name(journal.state)) + ':' +
            std::to_string(journal.scan.damage.size());
  }
  return mark;
}

Status with_path(const std::string& path, const Status& status) {
  return {status.code(), "local store " + path + ": " + status.message()};
}

class Store {
 public:
  static Result<Store> open(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos && slash > 0) {
      const std::string directory = path.substr(0, slash);
      if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) {
        const Code code = errno == ENOSPC || errno == EDQUOT                    ? Code::kNoSpace
                          : errno == EACCES || errno == EROFS || errno == EPERM ? Code::kPermission
                                                                                : Code::kIoError;
        return Status(code, directory + ": " + std::strerror(errno) + "; give another place with --state DIR");
      }
    }
    Result<Database> database = Database::open(path, OpenMode::kReadWrite);
    if (!database.ok()) return database.status();
    Store store(std::move(database).value());
    Status status = store.prepare();
    if (!status.ok()) return status;
    return store;
  }

  Result<bool> is_unchanged(const RunModel& run) {
    Result<Statement> query =
        database_.prepare("SELECT mark FROM runs WHERE entity = ?1 AND project = ?2 AND run = ?3");
    if (!query.ok()) return query.status();
    Status status = bind_identity(query.value(), run);
    if (!status.ok()) return status;
    const Result<bool> found = query.value().step();
    if (!found.ok()) return found.status();
    return found.value() && query.value().column_text(0) == mark_of(run);
  }

  Status write(const RunModel& run, const SeriesByKey& series) {
    Result<Transaction> transaction = Transaction::begin(database_);
    if (!transaction.ok()) return transaction.status();
    Status status = remove(run);
    if (status.ok()) status = insert_run(run);
    const std::int64_t run_id = database_.last_insert_id();
    if (status.ok()) status = insert_journals(run_id, run);
    if (status.ok()) status = insert_texts("INSERT INTO config VALUES (?1, ?2, ?3)", run_id, run.config);
    if (status.ok()) status = insert_texts("INSERT INTO summary VALUES (?1, ?2, ?3)", run_id, run.summary);
    if (status.ok()) status = insert_keys(run_id, series);
    if (status.ok()) status = insert_series(run_id, series);
    return status.ok() ? transaction.value().commit() : status;
  }

 private:
  explicit Store(Database database) : database_(std::move(database)) {}

  Status prepare() {
    Status status = database_.execute("PRAGMA foreign_keys = ON; PRAGMA journal_mode = DELETE");
    if (!status.ok()) return status;
    Result<Statement> query = database_.prepare("PRAGMA user_version");
    if (!query.ok()) return query.status();
    const Result<bool> found = query.value().step();
    if (!found.ok()) return found.status();
    const std::int64_t version = query.value().column_int64(0);
    query.value().reset();
    if (version > kStoreVersion) {
      return {Code::kUnsupported, "made by a newer wbsync (store version " + std::to_string(version) +
                                      "); update wbsync, or delete the file: it can be filled again"};
    }
    if (version == kStoreVersion) return {};
    Result<Transaction> transaction = Transaction::begin(database_);
    if (!transaction.ok()) return transaction.status();
    status = database_.execute(kStoreSchema);
    if (status.ok()) status = database_.execute("PRAGMA user_version = 1");
    static_assert(kStoreVersion == 1, "the line above says it too");
    return status.ok() ? transaction.value().commit() : status;
  }

  static Status bind_identity(Statement& statement, const RunModel& run) {
    Status status = statement.bind_text(1, run.entity);
    if (status.ok()) status = statement.bind_text(2, run.project);
    if (status.ok()) status = statement.bind_text(3, run.id);
    return status;
  }

  Status remove(const RunModel& run) {
    Result<Statement> statement = database_.prepare("DELETE FROM runs WHERE entity = ?1 AND project = ?2 AND run = ?3");
    if (!statement.ok()) return statement.status();
    Status status = bind_identity(statement.value(), run);
    return status.ok() ? statement.value().run() : status;
  }

  Status insert_run(const RunModel& run) {
    Result<Statement> statement = database_.prepare(
        "INSERT INTO runs (entity, project, run, name, group_name, job_type, notes, tags, host, program, state,"
        " exit_code, start_us, last_us, row_count, last_step, mark)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)");
    if (!statement.ok()) return statement.status();
    const std::string tags = tags_json(run), mark = mark_of(run);
    Binder bind(statement.value());
    bind.text(run.entity).text(run.project).text(run.id).text(run.shown_name()).text(run.group).text(run.job_type);
    bind.text(run.notes).text(tags).text(run.host).text(run.program).text(run_state_name(run.state));
    bind.number(std::int64_t{run.exit_code}).number(run.start_wall_us).number(run.last_wall_us);
    bind.number(run.row_count).number(run.last_step).text(mark);
    return bind.run();
  }

  Status insert_journals(std::int64_t run_id, const RunModel& run) {
    Result<Statement> statement =
        database_.prepare("INSERT INTO journals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
    if (!statement.ok()) return statement.status();
    for (const JournalModel& journal : run.journals) {
      const std::string uuid = journal.scan.journal.hex();
      Binder bind(statement.value());
      bind.number(run_id).text(uuid).text(journal.files.directory).number(journal.rank).number(journal.attempt);
      bind.text(journal.host).text(run_state_name(journal.state)).text(journal.state_reason);
      bind.exit_code(journal.exit_code).number(journal.scan.first_sequence).number(journal.scan.last_sequence);
      bind.number(journal.row_count).number(journal.dropped_count).number(std::uint64_t{journal.scan.damage.size()});
      Status status = bind.run();
      if (!status.ok()) return status;
    }
    return {};
  }

  Status insert_texts(std::string_view sql, std::int64_t run_id, const std::map<std::string, std::string>& values) {
    Result<Statement> statement = database_.prepare(sql);
    if (!statement.ok()) return statement.status();
    for (const auto& [key, text] : values) {
      Status status = Binder(statement.value()).number(run_id).text(key).text(text).run();
      if (!status.ok()) return status;
    }
    return {};
  }

  Status insert_keys(std::int64_t run_id, const SeriesByKey& series) {
    Result<Statement> statement = database_.prepare("INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    if (!statement.ok()) return statement.status();
    for (const auto& [key, fold] : series) {
      const bool some = fold.number_count() != 0;
      Binder bind(statement.value());
      bind.number(run_id).text(key).number(fold.count()).number(fold.number_count()).number(fold.nan_count());
      bind.real(some, fold.min()).real(some, fold.max()).real(some, fold.first()).real(some, fold.last());
      Status status = bind.run();
      if (!status.ok()) return status;
    }
    return {};
  }

  Status insert_series(std::int64_t run_id, const SeriesByKey& series) {
    Result<Statement> statement = database_.prepare("INSERT INTO series VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    if (!statement.ok()) return statement.status();
    for (const auto& [key, fold] : series) {
      std::int64_t number = 0;
      for (const SeriesFold::Bucket& bucket : fold.buckets()) {
        Binder bind(statement.value());
        bind.number(run_id).text(key).number(number++).number(bucket.count);
        bind.number(bucket.min_step).real(true, bucket.min).number(bucket.max_step).real(true, bucket.max);
        Status status = bind.run();
        if (!status.ok()) return status;
      }
    }
    return {};
  }

  Database database_;
};

Status fold_series(const RunModel& run, SeriesByKey& series) {
  std::vector<SeriesFold*> folds;  // By number of the name.
  MergedRowVisitor visitor;
  visitor.row = [&](const MergedRow& row) {
    for (const LineField& field : row.fields) {
      if (field.name->number >= folds.size()) folds.resize(field.name->number + 1);
      SeriesFold*& fold = folds[field.name->number];
      if (fold == nullptr) fold = &series[field.name->text];
      fold->add(row.wire_step, field.value);
    }
  };
  return visit_merged_rows(run, visitor);
}

}  // namespace

Result<StoreReport> update_store(const std::string& path, const std::vector<RunModel>& runs,
                                 const StoreProgress& progress) {
  Result<Store> store = Store::open(path);
  if (!store.ok()) return with_path(path, store.status());
  StoreReport report;
  std::size_t done_count = 0;
  for (const RunModel& run : runs) {
    const Result<bool> unchanged = store.value().is_unchanged(run);
    if (!unchanged.ok()) return with_path(path, unchanged.status());
    if (unchanged.value()) {
      ++report.unchanged_count;
    } else {
      SeriesByKey series;
      Status status = fold_series(run, series);
      if (!status.ok()) {
        report.failures.push_back(std::move(status));
        continue;
      }
      status = store.value().write(run, series);
      if (!status.ok()) return with_path(path, status);
      ++report.written_count;
      report.row_count += run.row_count;
    }
    if (progress) progress(run, ++done_count, runs.size(), !unchanged.value());
  }
  return report;
}

}  // namespace wb
