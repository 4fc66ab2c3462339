// CRC32C: RFC 3720's vectors, and both implementations agree.
#include "schema/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "schema/bytes.h"

namespace wb {
namespace {

std::vector<std::byte> pattern(auto value_of) {
  std::vector<std::byte> bytes(32);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(value_of(i));
  return bytes;
}

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c(0, pattern([](std::size_t) { return 0; })), 0x8A9136AAU);
  EXPECT_EQ(crc32c(0, pattern([](std::size_t) { return 0xFF; })), 0x62A8AB43U);
  EXPECT_EQ(crc32c(0, pattern([](std::size_t i) { return i; })), 0x46DD794EU);
  EXPECT_EQ(crc32c(0, pattern([](std::size_t i) { return 31 - i; })), 0x113FDB5CU);
  EXPECT_EQ(crc32c(0, as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c(0, {}), 0U);
}

TEST(Crc32c, IsTheSameByInstructionAndByTableForEveryLengthAndAlignment) {
  constexpr unsigned kSeed = 20250101;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<std::byte> bytes(300);
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random()); });
  int count = 0;
  for (std::size_t start = 0; start < 8; ++start) {
    for (std::size_t length = 0; length <= 256; ++length, ++count) {
      const std::span<const std::byte> part(bytes.data() + start, length);
      const auto seed = static_cast<std::uint32_t>(random());
      ASSERT_EQ(crc32c(seed, part), crc32c_portable(seed, part)) << start << "+" << length;
      ASSERT_EQ(crc32c(crc32c(seed, part.first(length / 3)), part.subspan(length / 3)), crc32c(seed, part));
    }
  }
  EXPECT_EQ(count, 8 * 257);
}

}  // namespace
}  // namespace wb
