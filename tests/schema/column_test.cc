// Columns: every bit pattern comes back, whatever codec is chosen; curves of every kind take the codec meant for them.
#include "schema/journal/column.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>

#include "schema/journal/compression.h"
#include "schema/journal/cuts.h"

namespace wb {
namespace {

using Values = std::vector<std::uint64_t>;

struct Written {
  ColumnCodec codec;
  double bytes_per_value;  // Behind zstd.
};

// Writes the values and reads them again: bit for bit, or the test fails.
Written expect_round_trip(const Values& values, bool is_float) {
  std::vector<std::byte> raw;
  std::vector<std::size_t> cuts;
  append_column(raw, cuts, values, is_float);
  ByteCursor cursor(raw);
  const Result<Column> column = Column::read(cursor, values.size(), false);
  EXPECT_TRUE(column.ok()) << column.status().message();
  EXPECT_EQ(cursor.left(), 0U);
  for (std::size_t i = 0; column.ok() && i < values.size() && !testing::Test::HasFailure(); ++i) {
    EXPECT_EQ(column.value().value(i), values[i])
        << "row " << i << " codec " << std::to_integer<int>(raw[0]) << " of " << values.size();
  }
  Compressor compressor = Compressor::create().value();
  const std::size_t bytes = compressor.compress(raw, choose_cuts(raw, cuts), kNumbersMatchBytesMin).value().size();
  return {static_cast<ColumnCodec>(raw[0]), static_cast<double>(bytes) / static_cast<double>(values.size())};
}

Values floats(std::size_t count, const std::function<double(std::size_t)>& curve) {
  Values values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::bit_cast<std::uint64_t>(curve(i));
  return values;
}

constexpr std::uint64_t kExtremes[] = {0,
                                       1,
                                       UINT64_MAX,
                                       std::uint64_t{1} << 63,
                                       static_cast<std::uint64_t>(INT64_MAX),
                                       0x7FF8000000000001,
                                       0x7FF0000000000001,
                                       0x7FF0000020000000,
                                       0xFFF0000000000000,
                                       0x7FF0000000000000,
                                       0x000FFFFFFFFFFFFF,
                                       0x36A0000000000000,  // The least denormal float32, then half of it.
                                       0x3690000000000000,
                                       0x380FFFFFC0000000};  // The greatest denormal float32.

// What the values of a random column have in common.
enum class Pattern { kAnything, kLowBits, kFewExtremes, kFloat32, kSmallSteps, kDecimals, kSwings, kCount };

std::uint64_t random_value(Pattern pattern, std::mt19937_64& random, std::uint64_t before) {
  switch (pattern) {
    case Pattern::kLowBits:
      return random() >> (random() % 64);
    case Pattern::kFewExtremes:
      return kExtremes[random() % std::size(kExtremes)];
    case Pattern::kFloat32:  // Of any bits, and now and then no float32.
      return random() % 100 == 0 ? random()
                                 : std::bit_cast<std::uint64_t>(
                                       static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(random()))));
    case Pattern::kSmallSteps:
      return before + random() % 1000 - 300;
    case Pattern::kDecimals:
      return random() % 50 == 0
                 ? kExtremes[random() % std::size(kExtremes)]
                 : std::bit_cast<std::uint64_t>((static_cast<double>(random() % 2'000'001) - 1e6) / 1000.0);
    case Pattern::kSwings:  // Differences that leave int64.
      return (random() & 1) != 0 ? static_cast<std::uint64_t>(INT64_MAX) - random() % 3
                                 : (std::uint64_t{1} << 63) + random() % 3;
    default:
      return random();
  }
}

TEST(Columns, GiveBackAMillionRandomBitPatterns) {
  constexpr unsigned kSeed = 20'240'611;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::size_t value_count = 0, column_count = 0;
  while (value_count < 1'000'000 || column_count % 14 != 0) {
    const auto pattern = static_cast<Pattern>(column_count / 2 % static_cast<std::size_t>(Pattern::kCount));
    const std::size_t row_count = random() % 4 == 0 ? 1 + random() % 40 : 1 + random() % kBlockRowsMax;
    Values values(row_count);
    std::uint64_t before = random();
    for (std::uint64_t& value : values) value = before = random_value(pattern, random, before);
    expect_round_trip(values, column_count % 2 == 0);
    if (testing::Test::HasFailure()) FAIL() << "pattern " << static_cast<int>(pattern);
    value_count += row_count;
    ++column_count;
  }
  EXPECT_GE(value_count, 1'000'000U);
  EXPECT_GE(column_count, 400U);
}

struct Curve {
  const char* name;
  std::function<double(std::size_t, std::mt19937_64&)> at;
  double bytes_max;  // A value, in 4,096 rows.
};

double noise(std::mt19937_64& random) {
  return std::normal_distribution<double>()(random);
}

[[gnu::noinline]] double float32(double value) {
  return static_cast<double>(static_cast<float>(value));
}

const std::vector<Curve>& curves() {
  using Random = std::mt19937_64;
  static const auto at = [](std::size_t i) { return static_cast<double>(i); };
  static const std::vector<Curve> kCurves = {
      {"constant", [](std::size_t, Random&) { return 0.1; }, 0.02},
      {"counter", [](std::size_t i, Random&) { return at(i); }, 0.02},
      {"epoch", [](std::size_t i, Random&) { return at(i) * 512 / 1281167; }, 0.02},
      {"linear schedule", [](std::size_t i, Random&) { return 3e-4 * (1 - at(i) / 10'000); }, 0.9},
      {"warm-up", [](std::size_t i, Random&) { return 3e-4 * (at(i) + 1) / 4'500; }, 0.9},
      {"cosine schedule", [](std::size_t i, Random&) { return 1.5e-4 * (1 + std::cos(at(i) * 3.14159265 / 2e4)); },
       1.2},
      {"exponential schedule", [](std::size_t i, Random&) { return 1e-3 * std::pow(0.9999, at(i)); }, 1.5},
      {"step schedule", [](std::size_t i, Random&) { return 0.1 * std::pow(0.1, static_cast<double>(i / 1000)); }, 0.1},
      {"accuracy of 256", [](std::size_t, Random& r) { return std::round(200 + 3 * noise(r)) / 256; }, 0.7},
      {"accuracy of 1000", [](std::size_t, Random& r) { return std::round(800 + 9 * noise(r)) / 1000; }, 0.9},
      {"accuracy of 1171", [](std::size_t, Random& r) { return std::round(800 + 9 * noise(r)) / 1171; }, 0.9},
      {"rounded to tenths", [](std::size_t, Random& r) { return std::round(612 + noise(r)) / 10; }, 0.5},
      {"nanoseconds", [](std::size_t, Random& r) { return std::round(2e8 + 1e6 * noise(r)) / 1e9; }, 3.2},
      {"loss of float32", [](std::size_t, Random& r) { return float32(2.5 + 0.08 * noise(r)); }, 2.9},
      {"gradient of float32", [](std::size_t, Random& r) { return float32(std::exp(noise(r))); }, 3.4},
      {"float32 around zero", [](std::size_t, Random& r) { return float32(0.01 * noise(r)); }, 3.9},
      {"float32 with gaps",
       [](std::size_t i, Random& r) { return i % 100 == 7 ? std::nan("1") : float32(2 + noise(r)); }, 4.0},
      {"small float32", [](std::size_t, Random& r) { return float32(1e-42 * noise(r)); }, 1.7},
      {"noise of float64", [](std::size_t, Random& r) { return 2.5 + 0.08 * noise(r); }, 6.8},
      {"phases", [](std::size_t, Random& r) { return r() % 3 == 0   ? -0.0
                                                     : r() % 2 == 0 ? 0.1
                                                                    : std::nan(""); }, 0.4}};
  return kCurves;
}

TEST(Columns, GiveBackTwoHundredCurvesInTheRoomOfTheirKind) {
  std::size_t count = 0;
  std::set<ColumnCodec> codecs;
  for (const Curve& curve : curves()) {
    for (unsigned seed = 1; seed <= 10; ++seed, ++count) {
      SCOPED_TRACE(testing::Message() << curve.name << ", seed " << seed);
      std::mt19937_64 random(seed);
      const std::size_t row_count = seed % 2 == 1 ? kBlockRowsMax : 700 + 41 * seed;
      const Values values = floats(row_count, [&](std::size_t i) { return curve.at(i, random); });
      const Written written = expect_round_trip(values, true);
      codecs.insert(written.codec);
      if (row_count == kBlockRowsMax) {
        EXPECT_LE(written.bytes_per_value, curve.bytes_max);
      }
    }
  }
  EXPECT_EQ(count, 200U);
  for (const ColumnCodec codec : {ColumnCodec::kConstant, ColumnCodec::kDictionary, ColumnCodec::kFloat64,
                                  ColumnCodec::kFloat32, ColumnCodec::kQuotient}) {
    EXPECT_TRUE(codecs.contains(codec)) << static_cast<int>(codec);
  }
}

TEST(Columns, GiveBackIntegersOfBothSigns) {
  std::mt19937_64 random(7);
  const std::vector<std::function<std::uint64_t(std::uint64_t)>> kinds = {
      [](std::uint64_t i) { return i; },
      [](std::uint64_t i) { return 0 - i * i; },
      [](std::uint64_t i) { return 1'700'000'000'000'000'000 + i * 212'000'000; },
      [](std::uint64_t i) { return UINT64_MAX - i * 3; },
      [](std::uint64_t i) { return (std::uint64_t{1} << 63) * (i & 1); },
      [&](std::uint64_t i) { return (i * 212'000 + random() % 6'000) * 1000; },
      [&](std::uint64_t) { return random() % 2 == 0 ? INT64_MAX : std::uint64_t{1} << 63; }};
  std::size_t count = 0;
  for (const auto& kind : kinds) {
    for (const std::size_t row_count : {1U, 2U, 5U, 16U, 300U, 4096U}) {
      Values values(row_count);
      for (std::size_t i = 0; i < row_count; ++i) values[i] = kind(i);
      SCOPED_TRACE(testing::Message() << "kind " << count / 6 << ", rows " << row_count);
      expect_round_trip(values, false);
      ++count;
    }
  }
  EXPECT_EQ(count, 42U);
}

TEST(Columns, TakeATimeInMicrosecondsInTwoBytes) {
  std::mt19937_64 random(3);
  Values values(kBlockRowsMax);
  std::uint64_t ns = 1'000'000'000'000;
  for (std::uint64_t& value : values) value = (ns += 212'000'000 + random() % 16'000'000) / 1000 * 1000;
  EXPECT_LE(expect_round_trip(values, false).bytes_per_value, 2.1);
}

TEST(Columns, KeepTheSignOfAZeroAmongFewValues) {
  const Values values = floats(4096, [](std::size_t i) { return i % 3 == 0 ? -0.0 : i % 3 == 1 ? 0.0 : 0.1; });
  EXPECT_EQ(expect_round_trip(values, true).codec, ColumnCodec::kDictionary);
}

// A host process may have set how its threads round; a quotient must not come out as another number for it.
TEST(Columns, AreTheSameUnderEveryRoundingOfTheProcess) {
  const Values values = floats(1000, [](std::size_t i) { return static_cast<double>(i * i % 1009) / 1009; });
  std::size_t count = 0;
  for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(rounding), 0);
    const Written written = expect_round_trip(values, true);
    EXPECT_EQ(std::fegetround(), rounding);
    EXPECT_EQ(written.codec, ColumnCodec::kQuotient);
    ++count;
  }
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(count, 4U);
}

TEST(Columns, WithAHeadThatDoesNotFitAreRefused) {
  Values values(64);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::bit_cast<std::uint64_t>(static_cast<double>(i * 37 % 64 * i) / 7);
  std::vector<std::byte> raw;
  std::vector<std::size_t> cuts;
  append_column(raw, cuts, values, true);
  ASSERT_EQ(static_cast<ColumnCodec>(raw[0]), ColumnCodec::kQuotient);
  const auto read = [](std::vector<std::byte> bytes, std::size_t count) {
    ByteCursor cursor(bytes);
    return Column::read(cursor, count, false).status().code();
  };
  EXPECT_EQ(read(raw, 63), Code::kCorrupt);
  EXPECT_EQ(read(raw, 65), Code::kCorrupt);
  std::size_t count = 0;
  for (const auto& [offset, value] : std::initializer_list<std::pair<std::size_t, int>>{
           {0, 4}, {0, 5}, {0, 6}, {1, 0}, {5, 5}, {5, 255}, {6, 9}, {6, 0}, {7, 1}, {8, 255}, {24, 255}}) {
    std::vector<std::byte> changed = raw;
    changed[offset] = static_cast<std::byte>(value);
    EXPECT_EQ(read(changed, 64), Code::kCorrupt) << offset;
    ++count;
  }
  EXPECT_EQ(count, 11U);
  raw[0] = std::byte{11};
  EXPECT_EQ(read(raw, 64), Code::kUnsupported);
}

}  // namespace
}  // namespace wb
