// Damaged tails and segments: a verified part of what was written, with the damage named, or a refusal; never wrong
// data.
#include <gtest/gtest.h>

#include <optional>

#include "schema/journal/tail_reader.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

JournalBuilder small_journal(int row_count) {
  JournalBuilder builder;
  builder.run("r1");
  const std::uint32_t loss = builder.key("loss");
  const std::uint32_t text = builder.key("text");
  for (int i = 0; i < row_count; ++i) {
    builder.row(i, {{loss, 1.0 / (i + 3)}, {text, "t" + std::to_string(i % 4)}});
    if (i % 8 == 0) builder.heartbeat();
  }
  builder.finish(0);
  builder.tail_end(true);
  return builder;
}

/// What a reader made of damaged bytes.
struct Outcome {
  std::size_t record_count = 0;
  bool all_are_originals = true;
  bool reported = false;
  bool refused = false;
};

// Adds a record to the outcome: it must be one of the originals, behind the ones before.
void judge(Outcome& outcome, const JournalBuilder& builder, const Frame& frame, std::size_t& next) {
  const OwnedFrame got = sealed_again(frame, builder.salt());
  std::size_t at = next;
  while (at < builder.frames().size() && builder.frames()[at].bytes != got.bytes) ++at;
  if (at == builder.frames().size()) {
    outcome.all_are_originals = false;
    return;
  }
  next = at + 1;
  ++outcome.record_count;
}

Outcome read_damaged_tail(const JournalBuilder& builder, std::vector<std::byte> bytes) {
  Outcome outcome;
  auto reader = TailReader::from_bytes(std::move(bytes), builder.salt());
  outcome.refused = !reader.ok();
  if (!reader.ok()) return outcome;
  std::size_t next = 0;
  for (;;) {
    const std::optional<Frame> frame = reader.value()->next();
    outcome.reported = outcome.reported || reader.value()->damage().has_value();
    if (!frame) return outcome;
    judge(outcome, builder, *frame, next);
  }
}

TEST(DamagedTail, CutAnywhereIsAVerifiedPrefix) {
  const JournalBuilder builder = small_journal(10);
  const std::vector<std::byte> whole = builder.tail();
  std::size_t count = 0;
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes, ++count) {
    std::size_t complete = 0;
    for (std::size_t end = kTailHeadBytes; complete < builder.frames().size(); ++complete) {
      end += builder.frames()[complete].bytes.size();
      if (end > bytes) break;
    }
    const Outcome outcome =
        read_damaged_tail(builder, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)});
    ASSERT_TRUE(outcome.all_are_originals) << bytes;
    ASSERT_EQ(outcome.record_count, complete) << bytes;
  }
  EXPECT_EQ(count, whole.size());
  EXPECT_GT(count, 1000U);
}

TEST(DamagedTail, LosesOneRecordAtMostForEveryFlippedBitAndSaysSo) {
  const JournalBuilder builder = small_journal(10);
  std::vector<std::byte> bytes = builder.tail();
  std::size_t count = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit, ++count) {
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    const Outcome outcome = read_damaged_tail(builder, bytes);
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    ASSERT_TRUE(outcome.all_are_originals) << bit;
    ASSERT_TRUE(outcome.reported) << bit;
    ASSERT_GE(outcome.record_count + (bit < kTailHeadBytes * 8 ? 0 : 1), builder.frames().size()) << bit;
  }
  EXPECT_EQ(count, bytes.size() * 8);
}

TEST(DamagedTail, GoesOnBehindAHoleOfZeros) {
  const JournalBuilder builder = small_journal(200);
  std::vector<std::byte> bytes = builder.tail();
  ASSERT_GT(bytes.size(), 12'288U);
  std::fill(bytes.begin() + 4096, bytes.begin() + 8192, std::byte{0});
  auto reader = TailReader::from_bytes(bytes);
  ASSERT_TRUE(reader.ok());
  int damage_count = 0;
  std::size_t record_count = 0;
  while (reader.value()->next()) {
    ++record_count;
    if (reader.value()->damage()) {
      ++damage_count;
      EXPECT_EQ(reader.value()->damage()->code, Code::kCorrupt);
      EXPECT_LE(reader.value()->damage()->offset_bytes, 4096U);
      EXPECT_GE(reader.value()->offset(), 8192U);
    }
  }
  EXPECT_EQ(damage_count, 1);
  EXPECT_FALSE(reader.value()->damage().has_value());
  EXPECT_LT(record_count, builder.frames().size());
  EXPECT_GT(record_count, builder.frames().size() / 2);
}

TEST(DamagedTail, EndingInSectorsThatNeverCameIsCutOffNotChanged) {
  const JournalBuilder builder = small_journal(50);
  std::vector<std::byte> bytes = builder.tail();
  bytes.resize(bytes.size() / 512 * 512 - 512);
  bytes.resize(bytes.size() + 2048);
  auto reader = TailReader::from_bytes(bytes);
  ASSERT_TRUE(reader.ok());
  while (reader.value()->next()) EXPECT_FALSE(reader.value()->damage().has_value());
  ASSERT_TRUE(reader.value()->damage().has_value());
  EXPECT_EQ(reader.value()->damage()->code, Code::kTruncated);
}

class DamagedSegment : public testing::Test {
 protected:
  static Outcome read_damaged(const JournalBuilder& builder, const std::string& path) {
    Outcome outcome;
    auto reader = SegmentReader::open(path);
    if (!reader.ok()) {
      outcome.refused = true;
      EXPECT_FALSE(reader.status().message().empty());
      return outcome;
    }
    std::size_t next = 0;
    const Status status = reader.value()->read(0, [&](const Frame& frame) {
      judge(outcome, builder, frame, next);
      return true;
    });
    outcome.reported = !status.ok();
    return outcome;
  }
  // In place: a file that is written anew each time waits for the disk.
  static void put_byte(const std::string& path, std::size_t offset, std::byte value) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(value));
  }
  // All records, or a part and a report, or a refusal.
  static bool is_sound(const Outcome& outcome, std::size_t record_count) {
    if (outcome.refused) return outcome.record_count == 0;
    return outcome.all_are_originals && (outcome.record_count == record_count || outcome.reported);
  }
  TestDir directory_;
};

TEST_F(DamagedSegment, CutAnywhereIsRefusedOrReported) {
  const JournalBuilder builder = small_journal(40);
  const std::string path = directory_.path() + "/x.wbj";
  builder.write_segment(path);
  const std::size_t whole_bytes = file_bytes(path).size();
  std::size_t count = 0;
  for (std::size_t bytes = whole_bytes; bytes-- > 0; ++count) {
    std::filesystem::resize_file(path, bytes);
    const Outcome outcome = read_damaged(builder, path);
    ASSERT_TRUE(is_sound(outcome, builder.frames().size())) << bytes;
    ASSERT_TRUE(outcome.refused || outcome.reported) << bytes;
  }
  EXPECT_EQ(count, whole_bytes);
  EXPECT_GT(count, 4000U);
}

// Every 7th bit here, so that each byte of the file is met; all of them took 20 s of processor time and passed.
TEST_F(DamagedSegment, IsNeverReadAsOtherDataForAFlippedBit) {
  constexpr std::size_t kStride = 7;
  const JournalBuilder builder = small_journal(40);
  const std::string path = directory_.path() + "/x.wbj";
  builder.write_segment(path);
  const std::vector<std::byte> bytes = file_bytes(path);
  std::size_t count = 0;
  std::size_t harmed_count = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += kStride, ++count) {
    put_byte(path, bit / 8, bytes[bit / 8] ^ static_cast<std::byte>(1 << (bit % 8)));
    const Outcome outcome = read_damaged(builder, path);
    put_byte(path, bit / 8, bytes[bit / 8]);
    ASSERT_TRUE(is_sound(outcome, builder.frames().size())) << "bit " << bit;
    harmed_count += outcome.refused || outcome.reported ? 1 : 0;
  }
  EXPECT_EQ(count, (bytes.size() * 8 + kStride - 1) / kStride);
  EXPECT_GT(harmed_count, count / 4);  // Or the flips would have met empty pages only.
}

TEST_F(DamagedSegment, GivesTheRecordsOfItsOtherBlocks) {
  const JournalBuilder builder = small_journal(20'000);
  const std::string path = directory_.path() + "/x.wbj";
  const SegmentInfo info = builder.write_segment(path);
  ASSERT_GE(info.block_count, 5U);
  const std::vector<std::byte> bytes = file_bytes(path);
  put_byte(path, bytes.size() / 2, bytes[bytes.size() / 2] ^ std::byte{1});
  const Outcome outcome = read_damaged(builder, path);
  EXPECT_TRUE(outcome.reported);
  EXPECT_TRUE(outcome.all_are_originals);
  EXPECT_GE(outcome.record_count, builder.frames().size() / 2);
  EXPECT_LT(outcome.record_count, builder.frames().size());
}

}  // namespace
}  // namespace wb
