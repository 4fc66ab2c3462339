// Journal cursor: reading in pieces, while files change or go away between the pieces.
#include "sync/journal_cursor.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "schema/journal/segment.h"
#include "schema/journal/tail_reader.h"
#include "sync/row_stream.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::TempDir;

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr int kRowCount = 30'000;

/// A live journal of one tail.
JournalMaker big_journal() {
  JournalMaker journal({});
  for (int i = 0; i < kRowCount; ++i) {
    const std::string text = "row " + std::to_string(i % 7);
    journal.row(i, {{"a", i}, {"b", 2.0 * i}, {"text", std::string_view(text)}});
    if (i % 1'000 == 0) journal.heartbeat();
  }
  return journal;
}

JournalModel only_journal(const std::string& directory) {
  const Discovery discovery = discover({directory});
  EXPECT_EQ(discovery.runs.size(), 1u);
  return discovery.runs.at(0).journals.at(0);
}

/// Bytes that this thread has read from files.
std::uint64_t read_bytes() {
  std::ifstream file("/proc/thread-self/io");
  std::string name;
  std::uint64_t bytes = 0;
  file >> name >> bytes;
  EXPECT_EQ(name, "rchar:");
  return bytes;
}

/// What the cursor gives, a text per row. `between` is called once, half-way.
std::vector<std::string> read_rows(
    const JournalModel& journal, std::size_t piece_bytes, const std::function<void()>& between = [] {}) {
  JournalCursor cursor(journal, {.journal = journal.scan.journal}, piece_bytes, /*with_summary=*/false);
  std::vector<std::string> rows;
  while (true) {
    const Status status = cursor.fill();
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok() || cursor.head() == nullptr) return rows;
    const Row& row = cursor.head()->row;
    std::string text = std::to_string(row.step);
    for (const Cell& cell : row.cells) {
      const Value value = row.value(cell);
      text += ' ' + (value.is_text() ? std::string(value.text()) : std::to_string(value.bits()));
    }
    rows.push_back(std::move(text));
    cursor.pop();
    if (rows.size() == kRowCount / 2) between();
  }
}

void seal(const std::string& tail, const std::string& segment) {
  auto reader = TailReader::open(tail);
  ASSERT_TRUE(reader.ok());
  auto writer = SegmentWriter::create(segment, reader.value()->head()->journal, 0);
  ASSERT_TRUE(writer.ok());
  while (const std::optional<Frame> frame = reader.value()->next()) ASSERT_TRUE(writer.value()->add(*frame).ok());
  ASSERT_TRUE(writer.value()->finish().ok());
  std::filesystem::remove(tail);
}

TEST(JournalCursor, ReadsALiveTailOnceHoweverManyPiecesItTakes) {
  const TempDir directory;
  const JournalMaker maker = big_journal();
  maker.write(directory.path());
  const JournalModel journal = only_journal(directory.path());
  const std::uint64_t tail_bytes = maker.bytes().size();
  ASSERT_GT(tail_bytes, 30 * kPieceBytes);
  const std::uint64_t before = read_bytes();
  const std::vector<std::string> rows = read_rows(journal, kPieceBytes);
  const std::uint64_t read = read_bytes() - before;
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(kRowCount));
  EXPECT_GE(read, tail_bytes);
  EXPECT_LT(read, 4 * tail_bytes);  // Each piece also reads ahead; from the start it would be 15 times as much.
}

TEST(JournalCursor, GivesTheSameRowsWhateverBecomesOfTheTailBetweenThePieces) {
  const JournalMaker maker = big_journal();
  const auto seal_it = [](const std::string& path) { seal(path, path.substr(0, path.size() - 4) + "wbj"); };
  // The records that were not read yet, at other places.
  const auto move_frames = [&](const std::string& path) {
    test::write_file(path, maker.bytes().substr(0, 64) + maker.bytes().substr(64 + 8'000));
  };
  const auto damage_before = [](const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5'000);
    file.put('x');
  };
  const auto grow = [&](const std::string& path) {
    std::ofstream file(path, std::ios::app | std::ios::binary);
    file << maker.bytes().substr(64, 100);
  };
  const std::vector<std::pair<const char*, std::function<void(const std::string&)>>> cases = {
      {"nothing", [](const std::string&) {}},
      {"sealed", seal_it},
      {"moved", move_frames},
      {"damaged where it was read already", damage_before},
      {"grown", grow}};
  int checked = 0;
  for (const auto& [name, change] : cases) {
    SCOPED_TRACE(name);
    const TempDir directory;
    const std::string path = maker.write(directory.path());
    const JournalModel journal = only_journal(directory.path());
    const std::vector<std::string> at_once = read_rows(journal, SIZE_MAX);
    ASSERT_EQ(at_once.size(), static_cast<std::size_t>(kRowCount));
    EXPECT_EQ(read_rows(journal, kPieceBytes, [&] { change(path); }), at_once);
    ++checked;
  }
  EXPECT_EQ(checked, 5);
}

TEST(JournalCursor, FindsRowsBehindDamageInPiecesAsAtOnce) {
  const JournalMaker maker = big_journal();
  int checked = 0;
  for (const std::size_t damaged_at : {std::size_t{10}, std::size_t{20'000}, maker.bytes().size() / 2}) {
    SCOPED_TRACE(damaged_at);
    const TempDir directory;
    std::string bytes = maker.bytes();
    bytes[damaged_at] = static_cast<char>(bytes[damaged_at] ^ 0x40);
    test::write_file(maker.write(directory.path()), bytes);
    const JournalModel journal = only_journal(directory.path());
    EXPECT_FALSE(journal.scan.damage.empty());
    const std::vector<std::string> at_once = read_rows(journal, SIZE_MAX);
    EXPECT_GE(at_once.size(), static_cast<std::size_t>(kRowCount - 1));
    EXPECT_EQ(read_rows(journal, kPieceBytes), at_once);
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

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
