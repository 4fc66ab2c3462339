// Frames: what was sealed is read, and nothing else.
#include "schema/frame.h"

#include <gtest/gtest.h>

#include "schema/limits.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

constexpr std::uint32_t kSalt = 0x12345678;

std::vector<std::byte> sealed(std::size_t payload_bytes, Kind kind, std::uint8_t flags, std::uint64_t sequence) {
  std::vector<std::byte> frame(frame_bytes(payload_bytes), std::byte{0xEE});
  for (std::size_t i = 0; i < payload_bytes; ++i) frame[kFrameHeadBytes + i] = static_cast<std::byte>(i * 7 + 1);
  seal_frame(frame.data(), payload_bytes, kind, flags, sequence, kSalt);
  return frame;
}

TEST(Frame, GivesBackWhatWasSealed) {
  int count = 0;
  for (const std::size_t bytes : {0UL, 1UL, 7UL, 8UL, 9UL, 24UL, 1000UL, kFramePayloadBytesMax}) {
    for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{5}, std::uint8_t{kFlagKeeper | 1}}) {
      const auto bytes_of_frame = sealed(bytes, Kind::kRow, flags, UINT64_MAX - count);
      const Result<Frame> frame = read_frame(bytes_of_frame, kSalt);
      ASSERT_TRUE(frame.ok()) << frame.status().message();
      EXPECT_EQ(frame.value().payload.size(), bytes);
      EXPECT_EQ(frame.value().kind, Kind::kRow);
      EXPECT_EQ(frame.value().flags, flags & 0x7F);
      EXPECT_EQ(frame.value().source, flags >= 0x80 ? Source::kKeeper : Source::kTrainer);
      EXPECT_EQ(frame.value().sequence, UINT64_MAX - count);
      ++count;
    }
  }
  EXPECT_EQ(count, 24);
}

TEST(Frame, IsTruncatedAtEveryShorterLength) {
  const auto frame = sealed(61, Kind::kConfig, 0, 7);
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
    const Result<Frame> read = read_frame(std::span(frame).first(bytes), kSalt);
    ASSERT_FALSE(read.ok()) << bytes;
    EXPECT_EQ(read.status().code(), Code::kTruncated) << bytes;
  }
  EXPECT_EQ(frame.size(), 88U);
}

TEST(Frame, IsRefusedForEveryFlippedBit) {
  auto frame = sealed(61, Kind::kConfig, kFlagKeeper, 7);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    frame[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    EXPECT_FALSE(read_frame(frame, kSalt).ok()) << "bit " << bit;
    frame[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  }
  EXPECT_TRUE(read_frame(frame, kSalt).ok());
}

TEST(Frame, OfAnotherJournalIsRefused) {
  const auto frame = sealed(8, Kind::kRow, 0, 1);
  EXPECT_EQ(read_frame(frame, kSalt + 1).status().code(), Code::kCorrupt);
}

TEST(Frame, OfZerosIsTheEndOfTheData) {
  const std::vector<std::byte> zeros(64);
  EXPECT_EQ(read_frame(zeros, kSalt).status().code(), Code::kTruncated);
}

}  // namespace
}  // namespace wb
