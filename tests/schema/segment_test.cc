// Segments: what goes in comes back byte for byte, and the file says so itself.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>
#include <sstream>

#include "schema/journal/compression.h"
#include "schema/journal/segment_tables.h"
#include "schema/journal/sqlite.h"
#include "schema/limits.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

class SegmentTest : public testing::Test {
 protected:
  // Packs the builder's frames and reads them back.
  SegmentInfo expect_round_trip(const JournalBuilder& builder) {
    const std::string path = directory_.path() + "/" + std::to_string(++count_) + ".wbj";
    const SegmentInfo info = builder.write_segment(path, 3);
    expect_segment_has(path, builder.frames());
    return info;
  }
  TestDir directory_;
  int count_ = 0;
};

TEST_F(SegmentTest, GivesBackManyShapesAndSourcesInTheOrderOfTheTail) {
  JournalBuilder builder;
  builder.run("r1");
  const std::uint32_t loss = builder.key("loss");
  const std::uint32_t text = builder.key("text");
  for (int i = 0; i < 5000; ++i) {
    builder.row(i, {{loss, 1.0 / (i + 1)}});
    if (i % 100 == 0) builder.heartbeat();
    if (i % 7 == 0) builder.row(i, {{loss, i}, {text, "step " + std::to_string(i)}}, kRowOutOfOrder);
    if (i % 1000 == 0) builder.row(i, {{text, 1}});
  }
  builder.finish(0);
  builder.tail_end(true);
  const SegmentInfo info = expect_round_trip(builder);
  EXPECT_EQ(info.record_count, builder.frames().size());
  EXPECT_EQ(info.first_sequence, 1U);
  EXPECT_EQ(info.last_sequence, builder.sequence());
  EXPECT_EQ(info.last_keeper_sequence, 51U);
  EXPECT_EQ(info.number, 3U);
}

TEST_F(SegmentTest, GivesBackRandomBitPatternsOfEveryType) {
  constexpr unsigned kSeed = 4711;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  JournalBuilder builder;
  const std::uint64_t extremes[] = {0,
                                    1,
                                    UINT64_MAX,
                                    std::uint64_t{1} << 63,
                                    static_cast<std::uint64_t>(INT64_MAX),
                                    0x7FF8000000000001,
                                    0xFFF0000000000000,
                                    0x0000000000000001};
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::pair<std::uint32_t, TestValue>> values;
    for (std::uint32_t key = 0; key < 7; ++key) {
      const auto type = static_cast<ValueType>(key);
      const std::uint64_t bits = random() % 3 == 0 ? extremes[random() % 8] : random();
      if (type == ValueType::kString || type == ValueType::kJson) {
        std::string owned(random() % 12, static_cast<char>(random()));
        values.emplace_back(key, type == ValueType::kJson ? TestValue::json(owned) : TestValue(owned));
      } else {
        values.emplace_back(key, Value::of(type, bits));
      }
    }
    builder.row(static_cast<std::int64_t>(random()), values, static_cast<std::uint8_t>(random() & 7));
  }
  expect_round_trip(builder);
}

TEST_F(SegmentTest, GivesBackRowsWithoutMetricsAndRowsOfThreeThousandKeys) {
  JournalBuilder builder;
  std::vector<std::pair<std::uint32_t, TestValue>> wide;
  for (int key = 0; key < 3000; ++key) wide.emplace_back(builder.key("layer/" + std::to_string(key)), key * 0.5);
  for (int i = 0; i < 40; ++i) {
    builder.row(i, {});
    wide[static_cast<std::size_t>(i)].second = TestValue(i);
    builder.row(i, wide);
  }
  expect_round_trip(builder);
}

TEST_F(SegmentTest, GivesBackFramesThatNoEncoderOfOursMakes) {
  JournalBuilder builder;
  // Texts in another order than their metrics, an unknown kind, a broken row, an empty payload.
  auto swapped = builder.row_payload(1, {{0, std::string("ab")}, {1, std::string("cd")}});
  const auto first = load_le<std::uint64_t>(swapped.data() + kRowHeadBytes);
  store_le(swapped.data() + kRowHeadBytes, load_le<std::uint64_t>(swapped.data() + kRowHeadBytes + 8));
  store_le(swapped.data() + kRowHeadBytes + 8, first);
  for (int i = 0; i < 50; ++i) {
    builder.add(Kind::kRow, kRowCommit, swapped);
    builder.add(static_cast<Kind>(200), 0x55, as_bytes("later"));
    builder.add(Kind::kRow, 0, as_bytes("broken"));
    builder.add(Kind::kConfig, 0, {});
    builder.add_keeper(Kind::kRow, builder.row_payload(i, {{0, 1.0}}));
  }
  expect_round_trip(builder);
}

TEST_F(SegmentTest, OfNothingIsASegment) {
  const SegmentInfo info = expect_round_trip(JournalBuilder());
  EXPECT_EQ(info.record_count, 0U);
  EXPECT_EQ(info.block_count, 0U);
}

TEST_F(SegmentTest, GivesBackMoreThanOneStretchWithLargeChunks) {
  JournalBuilder builder;
  std::vector<std::byte> chunk(kChunkBytesMax);
  for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = static_cast<std::byte>(i * i >> 7);
  for (int i = 0; i < 50; ++i) {
    builder.add(Kind::kChunk, 0, chunk);
    for (int j = 0; j < 300; ++j) builder.row(i, {{0, 0.25 * j}});
  }
  expect_round_trip(builder);
}

TEST_F(SegmentTest, IgnoresNumbersSeenBeforeAndListsThoseLeftOut) {
  JournalBuilder builder;
  for (int i = 0; i < 30; ++i) {
    builder.row(i, {{0, 1.0}});
    if (i % 10 == 9) builder.skip_sequence(5);
    builder.heartbeat();
  }
  const std::string path = directory_.path() + "/gaps.wbj";
  auto writer = SegmentWriter::create(path, builder.uuid(), 0);
  ASSERT_TRUE(writer.ok());
  // The keeper's first three records come last and twice, as after a failed sync.
  std::vector<OwnedFrame> frames = builder.frames();
  std::vector<OwnedFrame> late;
  for (std::size_t i = 1; i < 6; i += 2) late.push_back(frames[i]);
  for (std::size_t i = 0; i < 3; ++i) frames.erase(frames.begin() + 1 + static_cast<std::ptrdiff_t>(i));
  frames.insert(frames.end(), late.begin(), late.end());
  for (int pass = 0; pass < 2; ++pass) {
    for (const OwnedFrame& frame : frames) ASSERT_TRUE(writer.value()->add(frame.view(builder.salt())).ok());
  }
  ASSERT_TRUE(writer.value()->finish().ok());
  EXPECT_EQ(writer.value()->finish().status().code(), Code::kClosed);
  expect_segment_has(path, frames);
}

TEST_F(SegmentTest, ReadsOnBehindAKnownSequenceNumber) {
  JournalBuilder builder;
  for (int i = 0; i < 9000; ++i) {
    builder.row(i, {{0, 0.5 * i}});
    if (i % 500 == 0) builder.heartbeat();
  }
  const std::string path = directory_.path() + "/x.wbj";
  builder.write_segment(path);
  auto reader = SegmentReader::open(path);
  ASSERT_TRUE(reader.ok());
  int count = 0;
  for (const std::uint64_t after : {0UL, 1UL, 4095UL, 4096UL, 4097UL, 8999UL, 9000UL, 9001UL}) {
    std::uint64_t expected = after + 1;
    std::uint64_t keeper_count = 0;
    const Status status = reader.value()->read(after, [&](const Frame& frame) {
      if (frame.source == Source::kTrainer) {
        EXPECT_EQ(frame.sequence, expected++);
      }
      keeper_count += frame.source == Source::kKeeper ? 1 : 0;
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(expected, std::max<std::uint64_t>(after + 1, 9001));
    EXPECT_EQ(keeper_count, 18U);
    ++count;
  }
  EXPECT_EQ(count, 8);
}

TEST_F(SegmentTest, StopsWhenTheCallerWantsNoMore) {
  JournalBuilder builder;
  for (int i = 0; i < 100; ++i) builder.row(i, {{0, 1.0}});
  const std::string path = directory_.path() + "/x.wbj";
  builder.write_segment(path);
  auto reader = SegmentReader::open(path);
  ASSERT_TRUE(reader.ok());
  int count = 0;
  EXPECT_TRUE(reader.value()->read(0, [&](const Frame&) { return ++count < 7; }).ok());
  EXPECT_EQ(count, 7);
}

TEST_F(SegmentTest, IsTheSameFileForTheSameRecords) {
  JournalBuilder builder;
  builder.run("r1");
  for (int i = 0; i < 100; ++i) builder.row(i, {{static_cast<std::uint32_t>(i % 3), 1.0 * i}});
  builder.write_segment(directory_.path() + "/a.wbj");
  builder.write_segment(directory_.path() + "/b.wbj");
  EXPECT_EQ(file_bytes(directory_.path() + "/a.wbj"), file_bytes(directory_.path() + "/b.wbj"));
}

TEST_F(SegmentTest, OfTenRowsIsSmall) {
  JournalBuilder builder;
  builder.run("r1");
  const std::uint32_t loss = builder.key("loss");
  for (int i = 0; i < 10; ++i) builder.row(i, {{loss, 1.0 / (i + 1)}});
  builder.finish(0);
  const std::string path = directory_.path() + "/x.wbj";
  builder.write_segment(path);
  const std::string empty_path = directory_.path() + "/empty.wbj";
  JournalBuilder().write_segment(empty_path);
  // Of which the tables of an empty database take all but the meta and seal rows.
  const auto empty_bytes = std::filesystem::file_size(empty_path);
  EXPECT_LE(empty_bytes, 4096U);
  EXPECT_LE(std::filesystem::file_size(path), empty_bytes + 4096);
}

TEST_F(SegmentTest, OverwritesNoFileAndNamesAMissingDirectory) {
  const std::string path = directory_.path() + "/x.wbj";
  write_file(path, as_bytes("mine"));
  EXPECT_EQ(SegmentWriter::create(path, JournalBuilder().uuid(), 0).status().code(), Code::kExists);
  EXPECT_EQ(file_bytes(path).size(), 4U);
  EXPECT_EQ(SegmentWriter::create(directory_.path() + "/no/x.wbj", JournalBuilder().uuid(), 0).status().code(),
            Code::kNotFound);
}

TEST_F(SegmentTest, LivesUnderAPathLongerThanSqliteOpens) {
  std::string directory = directory_.path();
  for (int i = 0; i < 4; ++i) directory += "/" + std::string(200, static_cast<char>('a' + i)) + "%41?#";
  std::filesystem::create_directories(directory);
  JournalBuilder builder;
  for (int i = 0; i < 20; ++i) builder.row(i, {{0, 1.0}});
  builder.write_segment(directory + "/50%25.wbj");
  expect_segment_has(directory + "/50%25.wbj", builder.frames());
}

// Bytes that someone changed together with what guards them one level below.
TEST_F(SegmentTest, NoticesABlockThatWasExchangedForAnotherValidOne) {
  JournalBuilder builder;
  for (int i = 0; i < 50; ++i) builder.row(i, {{0, 0.5 * i}});
  const std::string path = directory_.path() + "/x.wbj";
  ASSERT_EQ(builder.write_segment(path).block_count, 1U);
  {
    Result<Database> database = Database::open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(database.ok());
    Result<Statement> select = database.value().prepare("SELECT data,raw_bytes FROM blocks WHERE id=1");
    ASSERT_TRUE(select.ok() && select.value().step().ok());
    auto raw = Decompressor::create().value().decompress(select.value().column_blob(0),
                                                         static_cast<std::size_t>(select.value().column_int64(1)));
    ASSERT_TRUE(raw.ok());
    raw.value().back() ^= std::byte{1};
    select.value().reset();
    Compressor compressor = Compressor::create().value();
    Statement update = database.value().prepare("UPDATE blocks SET data=? WHERE id=1").value();
    ASSERT_TRUE(update.bind_blob(1, compressor.compress(raw.value()).value()).ok());
    ASSERT_TRUE(update.run().ok());
  }
  auto reader = SegmentReader::open(path);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  int count = 0;
  const Status status = reader.value()->read(0, [&](const Frame&) { return ++count > 0; });
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_EQ(count, 0);
}

TEST_F(SegmentTest, NoticesAKeyThatWasExchangedTogetherWithItsHash) {
  JournalBuilder builder;
  builder.key("loss");
  const std::string path = directory_.path() + "/x.wbj";
  builder.write_segment(path);
  {
    Result<Database> database = Database::open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(database.ok());
    Statement update = database.value().prepare("UPDATE keys SET name=?,hash=? WHERE id=0").value();
    ASSERT_TRUE(update.bind_blob(1, as_bytes("gain")).ok());
    ASSERT_TRUE(update.bind(2, std::int64_t{key_row_hash(builder.salt(), 0, as_bytes("gain"))}).ok());
    ASSERT_TRUE(update.run().ok());
  }
  auto reader = SegmentReader::open(path);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  EXPECT_EQ(reader.value()->verify().code(), Code::kCorrupt);
}

TEST_F(SegmentTest, WithATableOrVersionOfAnotherMakerIsRefused) {
  const struct {
    const char* sql;
    Code code;
  } cases[] = {{"CREATE TABLE more(a)", Code::kCorrupt},
               {"CREATE VIEW more AS SELECT 1", Code::kCorrupt},
               {"CREATE TRIGGER t AFTER INSERT ON keys BEGIN DELETE FROM keys; END", Code::kCorrupt},
               {"DROP TABLE gaps", Code::kCorrupt},
               {"PRAGMA application_id=1", Code::kCorrupt},
               {"PRAGMA user_version=2", Code::kUnsupported},
               {"DELETE FROM meta WHERE key='journal'", Code::kCorrupt},
               {"UPDATE meta SET value=1 WHERE key='incompatible_flags'", Code::kCorrupt}};
  int count = 0;
  for (const auto& [sql, code] : cases) {
    SCOPED_TRACE(sql);
    const std::string path = directory_.path() + "/" + std::to_string(++count) + ".wbj";
    JournalBuilder().write_segment(path);
    ASSERT_TRUE(Database::open(path, OpenMode::kReadWrite).value().execute(sql).ok());
    EXPECT_EQ(SegmentReader::open(path).status().code(), code);
  }
  EXPECT_EQ(count, 8);
}

TEST(SegmentTables, AreThoseOfSegmentSql) {
  std::istringstream file(std::string(as_text(file_bytes(WB_SOURCE_DIR "/schema/segment.sql"))));
  std::vector<std::string> statements;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("--")) statements.push_back(line);
  }
  ASSERT_EQ(statements.size(), segment_tables().size());
  for (std::size_t i = 0; i < statements.size(); ++i) {
    EXPECT_EQ(statements[i], std::string(segment_tables()[i].sql) + ";");
  }
}

}  // namespace
}  // namespace wb
