// Journal cursor: files that change or go away between the reading for the model and the reading of the rows.
#include "sync/journal_cursor.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sync/row_stream.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::TempDir;

TEST(JournalCursor, FailsInsteadOfPassingOverRecordsThatCanNoLongerBeRead) {
  constexpr int kFileCount = 3;
  int checked = 0;
  for (int hidden = 0; hidden < kFileCount; ++hidden) {
    const TempDir directory;
    JournalMaker journal({});
    for (int i = 0; i < 10 * kFileCount; ++i) {
      if (i > 0 && i % 10 == 0) journal.rotate();
      journal.row(i, {{"a", i}});
    }
    journal.finish(0);
    std::string path = journal.write(directory.path());
    path.replace(path.rfind(".000."), 5, ".00" + std::to_string(hidden) + ".");
    const Discovery discovery = discover({directory.path()});
    ASSERT_EQ(discovery.runs.size(), 1u);
    const RunModel& run = discovery.runs[0];
    const std::vector<JournalRange> whole = {{.journal = journal.uuid()}};
    std::filesystem::rename(path, directory.path() + "/elsewhere");
    const Result<Batch> batch = RowStream::open(run, whole, -1, {}).value()->next();
    ASSERT_FALSE(batch.ok()) << "file " << hidden << ": " << batch.value().lines.size() << " lines";
    EXPECT_EQ(batch.status().code(), Code::kIoError);
    EXPECT_NE(batch.status().message().find(journal.stem()), std::string::npos) << batch.status().message();
    std::filesystem::rename(directory.path() + "/elsewhere", path);
    EXPECT_EQ(RowStream::open(run, whole, -1, {}).value()->next().value().lines.size(), 30u);
    ++checked;
  }
  EXPECT_EQ(checked, kFileCount);
}

}  // namespace
}  // namespace wb
