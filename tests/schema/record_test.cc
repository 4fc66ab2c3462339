// Record payloads: encoded and decoded again, damaged ones refused or read without leaving their bytes.
#include "schema/record.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

#include "schema/limits.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

std::vector<std::pair<std::uint32_t, TestValue>> all_kinds_of_values() {
  return {{0, 1.5},
          {1, std::bit_cast<double>(std::uint64_t{0x7FF800000000BEEF})},
          {2, -0.0},
          {3, std::numeric_limits<double>::denorm_min()},
          {4, Value(std::numeric_limits<std::int64_t>::min())},
          {5, Value(std::numeric_limits<std::uint64_t>::max())},
          {6, Value(true)},
          {7, std::string("text with \0 inside", 18)},
          {8, std::string()},
          {9, TestValue::json(R"({"a":[1,NaN]})")},
          {kKeyIndexMask, Value::null()}};
}

void expect_same(const Value& a, const Value& b) {
  EXPECT_EQ(a.type(), b.type());
  EXPECT_EQ(a.bits(), b.bits());
  EXPECT_EQ(a.text(), b.text());
}

TEST(Row, GivesBackEveryTypeOfValueBitForBit) {
  JournalBuilder builder;
  const auto values = all_kinds_of_values();
  const auto payload = builder.row_payload(-5, values);
  const Result<RowView> row = RowView::parse(payload);
  ASSERT_TRUE(row.ok()) << row.status().message();
  EXPECT_EQ(row.value().step(), -5);
  ASSERT_EQ(row.value().size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(row.value().key_index(i), values[i].first);
    expect_same(row.value().value(i), values[i].second.get());
  }
}

TEST(Row, WithoutMetricsIsARow) {
  JournalBuilder builder;
  const Result<RowView> row = RowView::parse(builder.row_payload(3, {}));
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row.value().size(), 0U);
}

// The frame's checksum guards the bytes; the decoder must only stay inside them.
TEST(Row, IsNeverReadBeyondItsBytesWhateverBitFlips) {
  JournalBuilder builder;
  auto payload = builder.row_payload(1, all_kinds_of_values());
  std::size_t read_count = 0;
  for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
    payload[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    const Result<RowView> row = RowView::parse(payload);
    for (std::size_t i = 0; row.ok() && i < row.value().size(); ++i) {
      for (const char c : row.value().value(i).text()) read_count += static_cast<unsigned char>(c) == 'x';
    }
    payload[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  }
  EXPECT_GT(read_count, 0U);
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    EXPECT_FALSE(RowView::parse(std::span(payload).first(bytes)).ok()) << bytes;
  }
}

TEST(Map, GivesBackEveryTypeOfValue) {
  const std::vector<Metric> entries = {{"f", 0.1},
                                       {"", Value(std::uint64_t{7})},
                                       {"text", std::string_view("value")},
                                       {"json", Value::json("[1]")},
                                       {"gone", Value::removed()},
                                       {"null", Value::null()}};
  std::vector<std::byte> payload(map_bytes(entries));
  encode_map(payload.data(), entries);
  const auto read = decode_map(payload);
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_EQ(read.value().size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(read.value()[i].name, entries[i].name);
    expect_same(read.value()[i].value, entries[i].value);
  }
  EXPECT_EQ(map_value(read.value(), "text")->text(), "value");
  EXPECT_FALSE(map_value(read.value(), "absent").has_value());
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    EXPECT_FALSE(decode_map(std::span(payload).first(bytes)).ok()) << bytes;
  }
}

TEST(Map, ThatClaimsMoreEntriesThanItHasBytesForIsRefused) {
  std::vector<std::byte> payload(20);
  store_le(payload.data(), UINT32_MAX);
  EXPECT_EQ(decode_map(payload).status().code(), Code::kCorrupt);
}

TEST(KeyRecord, KeepsIndexAndNameWithinTheLimits) {
  const std::string longest(kKeyBytesMax, 'k');
  std::vector<std::byte> payload(key_record_bytes(longest));
  encode_key(payload.data(), kKeyCountMax - 1, longest);
  ASSERT_TRUE(decode_key(payload).ok());
  EXPECT_EQ(decode_key(payload).value().index, kKeyCountMax - 1);
  EXPECT_EQ(decode_key(payload).value().name, longest);
  encode_key(payload.data(), kKeyCountMax, longest);
  EXPECT_FALSE(decode_key(payload).ok());
  payload.push_back(std::byte{0});
  EXPECT_FALSE(decode_key(payload).ok());
  EXPECT_FALSE(decode_key(std::span(payload).first(4)).ok());
}

TEST(FixedRecords, GiveBackWhatWasEncoded) {
  std::vector<std::byte> payload(kFinishRecordBytes);
  encode_finish(payload.data(), {-9, {123, -456}});
  const auto finish = decode_finish(payload);
  ASSERT_TRUE(finish.ok());
  EXPECT_EQ(finish.value().exit_code, -9);
  EXPECT_EQ(finish.value().time.mono_ns, 123);
  EXPECT_EQ(finish.value().time.wall_offset_us, -456);
  encode_heartbeat(payload.data(), {{5'000'000, 1}, 99});
  const auto heartbeat = decode_heartbeat(payload);
  ASSERT_TRUE(heartbeat.ok());
  EXPECT_EQ(heartbeat.value().written_sequence, 99U);
  EXPECT_EQ(heartbeat.value().time.wall_us(), 5001);
  EXPECT_FALSE(decode_heartbeat(std::span(payload).first(23)).ok());
  EXPECT_FALSE(decode_finish(std::span(payload).first(23)).ok());
}

}  // namespace
}  // namespace wb
