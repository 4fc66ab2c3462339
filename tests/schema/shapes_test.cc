// Segments of runs that are not ten metrics a row: sparse keys, thousands of keys, few rows. All comes back, and what
// it takes in bytes stays near what dense rows take.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "schema/journal/mixed_block.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

using Random = std::mt19937_64;
using Keys = std::vector<std::uint32_t>;

[[gnu::noinline]] double float32(double value) {
  return static_cast<double>(static_cast<float>(value));
}

struct Shape {
  const char* name;
  std::uint32_t key_count;
  int row_count;
  std::function<Keys(int, Random&)> keys_of;
  double bytes_max;  // A point, beyond a segment with the keys' names only.
};

Keys first_keys(std::uint32_t count) {
  Keys keys(count);
  for (std::uint32_t i = 0; i < count; ++i) keys[i] = i;
  return keys;
}

std::function<Keys(int, Random&)> all(std::uint32_t count) {
  return [count](int, Random&) { return first_keys(count); };
}

// Each key in `tenths` rows of ten.
std::function<Keys(int, Random&)> some(std::uint32_t count, unsigned tenths) {
  return [=](int, Random& random) {
    Keys keys;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (random() % 10 < tenths) keys.push_back(i);
    }
    return keys;
  };
}

// A value of float32 whose noise takes 2.3 bytes, as that of a loss does.
double loss(std::uint32_t key, Random& random) {
  return float32(2.5 + key % 7 + 0.1 * std::normal_distribution<double>()(random));
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> kShapes = {
      {"ten metrics a row", 10, 5'000, all(10), 2.9},
      {"validation every hundred rows", 20, 5'000, [](int i, Random&) { return first_keys(i % 100 == 99 ? 20 : 10); },
       2.9},
      {"one metric a row, its key in turn", 20, 20'000,
       [](int i, Random&) { return Keys{static_cast<std::uint32_t>(i % 20)}; }, 3.4},
      {"eight of ten keys", 10, 4'000, some(10, 8), 3.3},
      {"five of fifty keys", 50, 4'000, some(50, 1), 4.0},
      {"three of a thousand keys", 1'000, 4'000,
       [](int, Random& random) {
         const auto key = static_cast<std::uint32_t>(random() % 300);
         return Keys{key, key + 300, key + 600};
       },
       4.3},
      {"3,000 keys a row", 3'000, 100, all(3'000), 3.2},
      {"5,000 keys, 20 rows", 5'000, 20, all(5'000), 3.5},
      {"5,000 keys, one row", 5'000, 1, all(5'000), 7.4}};
  return kShapes;
}

TEST(SegmentShapes, AreReadBackAndTakeFewBytesAPoint) {
  const TestDir directory;
  std::size_t count = 0;
  for (const Shape& shape : shapes()) {
    SCOPED_TRACE(shape.name);
    Random random(5);
    JournalBuilder builder;
    builder.run("r1");
    for (std::uint32_t i = 0; i < shape.key_count; ++i) builder.key("group/metric_" + std::to_string(i));
    const std::string names = directory.path() + "/names" + std::to_string(count) + ".wbj";
    builder.write_segment(names);
    std::size_t points = 0;
    for (int i = 0; i < shape.row_count; ++i) {
      std::vector<std::pair<std::uint32_t, TestValue>> metrics;
      for (const std::uint32_t key : shape.keys_of(i, random)) metrics.emplace_back(key, loss(key, random));
      points += metrics.size();
      builder.row(i, metrics);
    }
    const std::string path = directory.path() + "/" + std::to_string(count) + ".wbj";
    builder.write_segment(path);
    expect_segment_has(path, builder.frames());
    const auto bytes = static_cast<double>(std::filesystem::file_size(path) - std::filesystem::file_size(names));
    EXPECT_LE(bytes / static_cast<double>(points), shape.bytes_max);
    std::printf("%-36s %7zu points %5.2f bytes a point\n", shape.name, points, bytes / static_cast<double>(points));
    ++count;
  }
  EXPECT_EQ(count, 9U);
}

Value random_value(Random& random) {
  const auto type = static_cast<ValueType>(std::array{0, 0, 0, 1, 2, 3, 6}[random() % 7]);
  if (type == ValueType::kBool) return Value::of(type, random() % 2);
  return type == ValueType::kNull ? Value() : Value::of(type, random() >> random() % 64);
}

TEST(SegmentShapes, OfRandomKeysTypesAndFlagsComeBackBitForBit) {
  constexpr unsigned kSeed = 20'261'124;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Random random(kSeed);
  const TestDir directory;
  std::size_t rows = 0, journals = 0;
  for (; journals < 40; ++journals) {
    JournalBuilder builder;
    builder.run("r1");
    const auto key_count = static_cast<std::uint32_t>(1 + random() % 40);
    for (std::uint32_t i = 0; i < key_count; ++i) builder.key("k" + std::to_string(i));
    const int row_count = static_cast<int>(random() % 400);
    for (int i = 0; i < row_count; ++i, ++rows) {
      if (random() % 10 == 0) builder.skip_sequence(1 + random() % 5);
      if (random() % 20 == 0) builder.heartbeat();
      std::vector<std::pair<std::uint32_t, TestValue>> metrics;  // In any order, a key perhaps twice.
      for (std::size_t left = random() % 12; left > 0; --left) {
        const auto key = static_cast<std::uint32_t>(random() % key_count);
        metrics.emplace_back(key, random() % 200 == 0 ? TestValue(std::string("a text")) : random_value(random));
      }
      builder.row(static_cast<std::int64_t>(random() >> 3), metrics, static_cast<std::uint8_t>(random() % 8));
    }
    const std::string path = directory.path() + "/" + std::to_string(journals) + ".wbj";
    builder.write_segment(path);
    expect_segment_has(path, builder.frames());
  }
  EXPECT_EQ(journals, 40U);
  EXPECT_GT(rows, 5'000U);
}

class MixedBlock : public testing::Test {
 protected:
  MixedBlock() {
    builder_.run("r1");
    for (int i = 0; i < 3; ++i) builder_.key("k" + std::to_string(i));
    for (int i = 0; i < 20; ++i) {
      builder_.row(i, {{static_cast<std::uint32_t>(i % 3), 1.5 * i}, {static_cast<std::uint32_t>((i + 1) % 3), i}});
    }
    for (std::size_t i = 4; i < builder_.frames().size(); ++i) {
      frames_.push_back({i, builder_.frames()[i].view(builder_.salt())});
    }
    raw_ = encode_mixed_block(frames_).bytes;
  }
  Code code_of(std::vector<std::byte> raw) const {
    const BlockInfo info = block_info(BlockKind::kMixed, frames_, raw.size());
    return BlockReader::open(info, std::move(raw)).status().code();
  }

  JournalBuilder builder_;
  std::vector<PlacedFrame> frames_;
  std::vector<std::byte> raw_;
};

TEST_F(MixedBlock, WithAHeadThatDoesNotFitIsRefused) {
  ASSERT_EQ(code_of(raw_), Code::kOk);
  std::size_t count = 0;
  for (std::size_t field = 0; field < 4; ++field) {
    const auto right = load_le<std::uint32_t>(raw_.data() + field * 4);
    for (const std::uint32_t wrong : {0U, right - 1, right + 1, 4'097U, 1U << 20, UINT32_MAX}) {
      std::vector<std::byte> raw = raw_;
      store_le(raw.data() + field * 4, wrong);
      EXPECT_EQ(code_of(raw), Code::kCorrupt) << "field " << field << " = " << wrong;
      ++count;
    }
  }
  std::vector<std::byte> text = raw_;
  store_le(text.data() + 16, std::uint32_t{4} << 28);
  EXPECT_EQ(code_of(text), Code::kCorrupt);
  EXPECT_EQ(count, 24U);
}

TEST_F(MixedBlock, ThatIsCutOffAnywhereIsRefused) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; bytes < raw_.size(); ++bytes, ++count) {
    EXPECT_EQ(code_of({raw_.begin(), raw_.begin() + static_cast<std::ptrdiff_t>(bytes)}), Code::kCorrupt) << bytes;
  }
  EXPECT_GT(count, 200U);
}

}  // namespace
}  // namespace wb
