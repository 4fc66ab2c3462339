// Journals: files joined into one sequence, each record once, damage named with what it cost.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/journal/journal_reader.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    builder_.run("r1");
    loss_ = builder_.key("loss");
  }
  std::string path(std::uint32_t number, FileKind kind) const {
    return directory_.path() + "/" + journal_file(builder_.stem(), number, kind);
  }
  void rows(int count) {
    for (int i = 0; i < count; ++i) builder_.row(step_++, {{loss_, 0.5 * step_}});
  }
  void write_tail(std::uint32_t number, std::size_t first = 0, std::size_t end = SIZE_MAX) {
    write_file(path(number, FileKind::kTail), builder_.tail(number, first, end));
  }
  JournalFiles files() const {
    const auto journals = list_journals(directory_.path());
    EXPECT_TRUE(journals.ok());
    EXPECT_EQ(journals.value().size(), 1U);
    return journals.value().empty() ? JournalFiles{} : journals.value()[0];
  }
  // Reads all; the trainer's sequence numbers end up in sequences_.
  Result<JournalScan> read(const JournalFiles& files, std::uint64_t after = 0) {
    sequences_.clear();
    keeper_count_ = 0;
    return read_journal(files, after, [this](const Frame& frame) {
      const OwnedFrame got = sealed_again(frame, builder_.salt());
      const bool is_original = std::any_of(builder_.frames().begin(), builder_.frames().end(),
                                           [&](const OwnedFrame& frame_of) { return frame_of.bytes == got.bytes; });
      EXPECT_TRUE(is_original);
      if (frame.source == Source::kTrainer) {
        sequences_.push_back(frame.sequence);
      } else {
        ++keeper_count_;
      }
      return true;
    });
  }
  JournalScan expect_read(std::uint64_t after = 0) {
    Result<JournalScan> scan = read(files(), after);
    EXPECT_TRUE(scan.ok()) << scan.status().message();
    EXPECT_TRUE(std::is_sorted(sequences_.begin(), sequences_.end()));
    EXPECT_EQ(std::adjacent_find(sequences_.begin(), sequences_.end()), sequences_.end());
    return scan.ok() ? scan.value() : JournalScan{};
  }
  void flip(const std::string& file, std::size_t offset) {
    auto bytes = file_bytes(file);
    bytes.at(offset) ^= std::byte{0x10};
    write_file(file, bytes);
  }

  TestDir directory_;
  JournalBuilder builder_;
  std::uint32_t loss_ = 0;
  int step_ = 0;
  std::vector<std::uint64_t> sequences_;
  int keeper_count_ = 0;
};

TEST_F(JournalTest, ThatGrowsIsReadOnFromAKnownRecord) {
  rows(10);
  const auto whole = builder_.tail();
  std::uint64_t known = 0;
  std::size_t reading_count = 0;
  for (std::size_t bytes = 0; bytes <= whole.size(); bytes += 7, ++reading_count) {
    write_file(path(0, FileKind::kTail), std::span(whole).first(bytes));
    const JournalScan scan = expect_read(known);
    ASSERT_TRUE(scan.damage.empty()) << bytes << scan.damage[0].what;
    for (const std::uint64_t sequence : sequences_) ASSERT_EQ(sequence, ++known);
  }
  EXPECT_EQ(reading_count, whole.size() / 7 + 1);
  write_tail(0);
  const JournalScan scan = expect_read();
  EXPECT_EQ(scan.record_count, 12U);
  EXPECT_EQ(scan.first_sequence, 1U);
  EXPECT_EQ(scan.last_sequence, 12U);
  EXPECT_EQ(scan.bytes, whole.size());
  EXPECT_EQ(scan.journal, builder_.uuid());
  EXPECT_TRUE(scan.ends_open);
}

TEST_F(JournalTest, OfSegmentsAndATailIsOneSequenceThatEnds) {
  rows(50);
  const std::size_t first_end = builder_.frames().size();
  builder_.map(Kind::kSnapshot, {{"run_id", std::string_view("r1")}});
  rows(50);
  const std::size_t second_end = builder_.frames().size();
  rows(5);
  builder_.finish(0);
  builder_.tail_end(true);
  builder_.write_segment(path(0, FileKind::kSegment), 0, 0, first_end);
  builder_.write_segment(path(1, FileKind::kSegment), 1, first_end, second_end);
  write_tail(2, second_end);
  const JournalScan scan = expect_read();
  EXPECT_TRUE(scan.damage.empty());
  EXPECT_EQ(scan.record_count, builder_.frames().size());
  EXPECT_EQ(scan.segment_count, 2U);
  EXPECT_EQ(scan.tail_count, 1U);
  EXPECT_FALSE(scan.ends_open);
  expect_read(60);
  EXPECT_EQ(sequences_.front(), 61U);
  EXPECT_EQ(sequences_.size(), builder_.sequence() - 60);
}

TEST_F(JournalTest, NamesExactlyTheRecordsThatAChangedByteCost) {
  rows(20);
  write_tail(0);
  const std::size_t row_bytes_each = builder_.frames().back().bytes.size();
  flip(path(0, FileKind::kTail), file_bytes(path(0, FileKind::kTail)).size() - 5 * row_bytes_each + 40);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 21U);
  ASSERT_EQ(scan.damage.size(), 1U);
  EXPECT_EQ(scan.damage[0].first_missing, 18U);
  EXPECT_EQ(scan.damage[0].last_missing, 18U);
  EXPECT_EQ(scan.damage[0].code, Code::kCorrupt);
  EXPECT_EQ(scan.damage[0].path, path(0, FileKind::kTail));
  EXPECT_GT(scan.damage[0].offset_bytes, 0U);
}

TEST_F(JournalTest, IsReadWhenTheHeadOfItsTailIsDamaged) {
  rows(5);
  write_tail(0);
  flip(path(0, FileKind::kTail), 30);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 7U);
  EXPECT_EQ(scan.damage.size(), 1U);
}

TEST_F(JournalTest, NamesAMissingFileAndItsRecords) {
  rows(8);
  const std::size_t first_end = builder_.frames().size();
  rows(8);
  const std::size_t second_end = builder_.frames().size();
  rows(8);
  builder_.write_segment(path(0, FileKind::kSegment), 0, 0, first_end);
  write_tail(2, second_end);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 18U);
  ASSERT_EQ(scan.damage.size(), 1U);
  EXPECT_EQ(scan.damage[0].path, path(1, FileKind::kSegment));
  EXPECT_EQ(scan.damage[0].code, Code::kNotFound);
  EXPECT_EQ(scan.damage[0].first_missing, 11U);
  EXPECT_EQ(scan.damage[0].last_missing, 18U);
}

TEST_F(JournalTest, TakesASegmentThatVerifiesAndElseItsTail) {
  rows(100);
  builder_.heartbeat();
  write_tail(0);
  builder_.write_segment(path(0, FileKind::kSegment), 0);
  JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 102U);
  EXPECT_EQ(keeper_count_, 1);
  EXPECT_TRUE(scan.damage.empty());

  flip(path(0, FileKind::kTail), 200);  // Nobody needs it.
  EXPECT_TRUE(expect_read().damage.empty());
  write_tail(0);

  const std::size_t middle = file_bytes(path(0, FileKind::kSegment)).size() / 2;
  int damaged_count = 0;
  for (std::size_t at = 0; at < 2 * middle; at += 97) {
    flip(path(0, FileKind::kSegment), at);
    scan = expect_read();
    EXPECT_EQ(sequences_.size(), 102U) << at;
    EXPECT_EQ(keeper_count_, 1);
    for (const Damage& damage : scan.damage) {
      EXPECT_EQ(damage.path, path(0, FileKind::kSegment));
      EXPECT_EQ(damage.first_missing, 0U);
      ++damaged_count;
    }
    flip(path(0, FileKind::kSegment), at);
  }
  EXPECT_GT(damaged_count, 10);
}

TEST_F(JournalTest, PutsADamagedSegmentAndItsDamagedTailTogether) {
  rows(9000);
  write_tail(0);
  builder_.write_segment(path(0, FileKind::kSegment), 0);
  flip(path(0, FileKind::kSegment), file_bytes(path(0, FileKind::kSegment)).size() / 2);
  flip(path(0, FileKind::kTail), 1000);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 9002U);
  ASSERT_GE(scan.damage.size(), 2U);
  for (const Damage& damage : scan.damage) EXPECT_EQ(damage.first_missing, 0U);
}

TEST_F(JournalTest, TakesRecordsOnceThatWereWrittenAgainAfterAFailedSync) {
  rows(20);
  write_tail(0, 0, 22);
  auto bytes = file_bytes(path(0, FileKind::kTail));
  // The page with records 11 to 20 never reached the disk; the next tail has 9 to 30.
  std::size_t offset = kTailHeadBytes;
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < 22; ++i) {
    starts.push_back(offset);
    offset += builder_.frames()[i].bytes.size();
  }
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(starts[10]),
            bytes.begin() + static_cast<std::ptrdiff_t>(starts[20]), std::byte{0});
  write_file(path(0, FileKind::kTail), bytes);
  rows(8);
  write_tail(1, 8);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 30U);
  ASSERT_EQ(scan.damage.size(), 1U);
  EXPECT_EQ(scan.damage[0].code, Code::kCorrupt);  // Zeros with frames behind them are no end.
  EXPECT_EQ(scan.damage[0].first_missing, 0U);
}

TEST_F(JournalTest, WhoseKeeperDiedBetweenTwoTailsIsWhole) {
  rows(10);
  auto bytes = builder_.tail();
  bytes.resize(bytes.size() - 10);  // Record 12 was torn; the next keeper takes it from the ring again.
  write_file(path(0, FileKind::kTail), bytes);
  rows(3);
  write_tail(1, 11);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 15U);
  EXPECT_TRUE(scan.damage.empty());
  write_tail(1, 12);
  const JournalScan holed = expect_read();
  ASSERT_EQ(holed.damage.size(), 1U);
  EXPECT_EQ(holed.damage[0].path, path(0, FileKind::kTail));
  EXPECT_EQ(holed.damage[0].first_missing, 12U);
  EXPECT_EQ(holed.damage[0].last_missing, 12U);
}

TEST_F(JournalTest, ListsAgainWhenATailWasSealedMeanwhile) {
  rows(10);
  write_tail(0);
  const JournalFiles before = files();
  builder_.write_segment(path(0, FileKind::kSegment), 0);
  std::filesystem::remove(path(0, FileKind::kTail));
  const auto scan = read(before);
  ASSERT_TRUE(scan.ok()) << scan.status().message();
  EXPECT_EQ(sequences_.size(), 12U);
  EXPECT_EQ(scan.value().segment_count, 1U);
}

TEST_F(JournalTest, IsNeitherHungByAPipeNorLedAwayByALink) {
  rows(3);
  ASSERT_EQ(::mkfifo(path(0, FileKind::kTail).c_str(), 0600), 0);
  EXPECT_EQ(read(files()).status().code(), Code::kCorrupt);
  std::filesystem::remove(path(0, FileKind::kTail));
  write_file(directory_.path() + "/elsewhere", builder_.tail());
  ASSERT_EQ(::symlink("elsewhere", path(0, FileKind::kTail).c_str()), 0);
  EXPECT_EQ(read(files()).status().code(), Code::kCorrupt);
  ASSERT_EQ(::symlink("elsewhere", path(0, FileKind::kSegment).c_str()), 0);
  EXPECT_EQ(read(files()).status().code(), Code::kCorrupt);
}

TEST_F(JournalTest, SaysWhatIsWrongWithFilesThatAreNone) {
  write_file(path(0, FileKind::kSegment), as_bytes("no database at all, but text of some length"));
  EXPECT_EQ(read(files()).status().code(), Code::kCorrupt);
  write_file(path(0, FileKind::kSegment), {});
  EXPECT_EQ(read(files()).status().code(), Code::kCorrupt);
  std::filesystem::remove(path(0, FileKind::kSegment));
  write_file(path(0, FileKind::kTail), {});
  EXPECT_TRUE(read(files()).ok());  // Killed before it wrote the head.
  auto newer = builder_.tail();
  const auto head = encode_tail_head({.version = 9, .journal = builder_.uuid()});
  std::copy(head.begin(), head.end(), newer.begin());
  write_file(path(0, FileKind::kTail), newer);
  EXPECT_EQ(read(files()).status().code(), Code::kUnsupported);
  EXPECT_EQ(list_journals(directory_.path() + "/none").status().code(), Code::kNotFound);
}

TEST_F(JournalTest, LeavesAFileOfAnotherJournalOut) {
  rows(3);
  write_tail(0);
  JournalBuilder other(0xA1);
  const auto head = encode_tail_head({.file_number = 1, .journal = Uuid{{std::byte{0xA1}, std::byte{0xA2}}}});
  write_file(path(1, FileKind::kTail), head);
  const JournalScan scan = expect_read();
  EXPECT_EQ(sequences_.size(), 5U);
  EXPECT_EQ(scan.damage.size(), 1U);
}

}  // namespace
}  // namespace wb
