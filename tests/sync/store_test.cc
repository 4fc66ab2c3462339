// Local store: what stands in its tables after one call, and after the same call again.
#include "sync/sinks/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/journal/sqlite.h"
#include "sync/sinks/store_series.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::MakerOptions;
using test::TempDir;

/// All rows of a query, columns joined by '|'.
std::vector<std::string> query(const std::string& path, const char* sql) {
  std::vector<std::string> rows;
  Result<Database> database = Database::open(path, OpenMode::kReadOnly);
  EXPECT_TRUE(database.ok());
  const auto add_row = [](void* to, int count, char** texts, char**) {
    std::string row;
    for (int i = 0; i < count; ++i) row += (i == 0 ? "" : "|") + std::string(texts[i] == nullptr ? "" : texts[i]);
    static_cast<std::vector<std::string>*>(to)->push_back(row);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database.value().handle(), sql, add_row, &rows, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database.value().handle());
  return rows;
}

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_runs(const std::string& directory, int row_count) {
  for (int number = 0; number < 3; ++number) {
    MakerOptions options{.run_id = "run" + std::to_string(number), .seed = static_cast<std::uint64_t>(number + 1)};
    options.fields = {{"group", number < 2 ? "exp" : ""}, {"tags", R"(["t"])"}};
    JournalMaker journal(options);
    journal.map(Kind::kConfig, {{"lr", 0.5}});
    for (int step = 0; step < row_count; ++step) {
      journal.row(step, {{"loss", 1.0 / (step + 1)}, {"name", "x"}, {"nan", std::nan("")}});
    }
    if (number == 1) {
      journal.death(9);
    } else {
      journal.finish(0);
    }
    journal.write(directory);
  }
}

TEST(Store, HoldsRunsGroupsConfigSummaryKeysAndSeries) {
  const TempDir directory;
  write_runs(directory.path(), 10);
  const std::string path = directory.path() + "/.wbsync/store.db";
  int calls = 0;
  const Result<StoreReport> report = update_store(
      path, discover({directory.path()}).runs, [&](const RunModel&, std::size_t done, std::size_t count, bool written) {
        EXPECT_EQ(done, static_cast<std::size_t>(++calls));
        EXPECT_EQ(count, 3u);
        EXPECT_TRUE(written);
      });
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(report.value().written_count, 3u);
  EXPECT_EQ(report.value().row_count, 30u);
  using Rows = std::vector<std::string>;
  EXPECT_EQ(query(path, "SELECT project, run, state, exit_code, row_count, last_step, tags FROM runs ORDER BY run"),
            (Rows{"demo|run0|finished|0|10|9|[\"t\"]", "demo|run1|crashed|1|10|9|[\"t\"]",
                  "demo|run2|finished|0|10|9|[\"t\"]"}));
  EXPECT_EQ(query(path, "SELECT group_name, run_count, crashed_count, finished_count, row_count FROM groups"),
            (Rows{"exp|2|1|1|20"}));
  EXPECT_EQ(query(path, "SELECT key, value FROM config JOIN runs ON id = run_id WHERE run = 'run0'"), (Rows{"lr|0.5"}));
  EXPECT_EQ(query(path, "SELECT value FROM summary JOIN runs ON id = run_id WHERE run = 'run0' AND key = 'loss'"),
            (Rows{"0.1"}));
  EXPECT_EQ(query(path,
                  "SELECT key, count, number_count, nan_count, min, max, first, last FROM keys "
                  "JOIN runs ON id = run_id WHERE run = 'run0' ORDER BY key"),
            (Rows{"loss|10|10|0|0.1|1.0|1.0|0.1", "name|10|0|0||||", "nan|10|0|10||||"}));
  EXPECT_EQ(query(path,
                  "SELECT count(*), sum(count), max(max_step) FROM series JOIN runs ON id = run_id "
                  "WHERE run = 'run0' AND key = 'loss'"),
            (Rows{"10|10|9"}));
  EXPECT_EQ(query(path, "SELECT state, last_sequence > 10, exit_code FROM journals ORDER BY state, run_id"),
            (Rows{"crashed|1|", "finished|1|0", "finished|1|0"}));
}

TEST(Store, SkipsUnchangedRunsAndFillsChangedOnesAnew) {
  const TempDir directory;
  write_runs(directory.path(), 10);
  const std::string path = directory.path() + "/.wbsync/store.db";
  ASSERT_TRUE(update_store(path, discover({directory.path()}).runs, nullptr).ok());
  const std::string before = file_bytes(path);
  ASSERT_GT(before.size(), 1'000u);
  const Result<StoreReport> again = update_store(path, discover({directory.path()}).runs, nullptr);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.value().unchanged_count, 3u);
  EXPECT_EQ(again.value().written_count, 0u);
  EXPECT_EQ(file_bytes(path), before);

  write_runs(directory.path(), 12);
  const Result<StoreReport> changed = update_store(path, discover({directory.path()}).runs, nullptr);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed.value().written_count, 3u);
  EXPECT_EQ(query(path, "SELECT count(*), sum(row_count) FROM runs"), (std::vector<std::string>{"3|36"}));
  EXPECT_EQ(query(path, "SELECT sum(count) FROM series"), (std::vector<std::string>{"36"}));  // Nothing twice.
}

TEST(Store, SaysWhereItCannotWriteAndLeavesANewerStoreAlone) {
  const TempDir directory;
  write_runs(directory.path(), 1);
  const std::vector<RunModel> runs = discover({directory.path()}).runs;
  const Result<StoreReport> nowhere = update_store("/proc/nowhere/store.db", runs, nullptr);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.status().message().find("/proc/nowhere"), std::string::npos);

  test::write_file(directory.path() + "/text.db", "this is no database, but long enough to look at");
  EXPECT_EQ(update_store(directory.path() + "/text.db", runs, nullptr).status().code(), Code::kCorrupt);

  const std::string path = directory.path() + "/newer.db";
  {
    Result<Database> database = Database::open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(database.value().execute("CREATE TABLE x (y); PRAGMA user_version = 2").ok());
  }
  const std::string before = file_bytes(path);
  EXPECT_EQ(update_store(path, runs, nullptr).status().code(), Code::kUnsupported);
  EXPECT_EQ(file_bytes(path), before);
}

TEST(Series, NeverHoldsMoreThanItsLimitAndNeverLosesAPeak) {
  int checked = 0;
  for (const int count : {0, 1, 2, 499, 500, 501, 502, 1'000, 1'001, 4'097, 100'000}) {
    SeriesFold fold;
    for (int step = 0; step < count; ++step) fold.add(step, step == count * 2 / 3 ? 1e9 : std::sin(step));
    ASSERT_LE(fold.buckets().size() * 2, kSeriesPointsMax) << count;
    EXPECT_EQ(fold.number_count(), static_cast<std::uint64_t>(count));
    std::uint64_t sum = 0;
    std::int64_t peak_step = -1;
    for (const SeriesFold::Bucket& bucket : fold.buckets()) {
      sum += bucket.count;
      if (bucket.max == 1e9) peak_step = bucket.max_step;
    }
    EXPECT_EQ(sum, static_cast<std::uint64_t>(count));
    EXPECT_EQ(peak_step, count == 0 ? -1 : count * 2 / 3);
    if (count > 500) {
      EXPECT_GT(fold.buckets().size(), 250u - 1);
    }
    ++checked;
  }
  EXPECT_EQ(checked, 11);
}

}  // namespace
}  // namespace wb
