// File names and tail heads: made, parsed, and hostile ones refused.
#include <gtest/gtest.h>

#include "schema/journal_name.h"
#include "schema/limits.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

TEST(JournalName, IsParsedAsItWasMade) {
  const JournalBuilder builder;
  const std::string stem = journal_stem("my/run", 12, 3, builder.uuid());
  EXPECT_EQ(stem, "my%2Frun.r12.a3.a1a2a3a4");
  int count = 0;
  for (const std::uint32_t number : {0U, 7U, 999U, 1000U, 999'999U}) {
    for (const FileKind kind : {FileKind::kTail, FileKind::kSegment}) {
      const auto file = parse_journal_file(journal_file(stem, number, kind));
      ASSERT_TRUE(file.has_value());
      EXPECT_EQ(file->stem, stem);
      EXPECT_EQ(file->number, number);
      EXPECT_EQ(file->kind, kind);
      ++count;
    }
  }
  EXPECT_EQ(count, 10);
}

TEST(JournalName, LeavesOtherFilesAlone) {
  for (const char* name : {"", ".tail", "x", "x.tail", "x.01.tail", "x.000.wbj.tmp", "x.00a.wbj", "x.-01.tail",
                           ".000.tail", "x.1000000.tail", "x.99999999999.tail"}) {
    EXPECT_FALSE(parse_journal_file(name).has_value()) << name;
  }
}

TEST(RunIdForFiles, IsHarmlessShortAndDistinct) {
  EXPECT_EQ(run_id_for_files("abc-1_Z"), "abc-1_Z");
  EXPECT_EQ(run_id_for_files("../x"), "%2E%2E%2Fx");
  EXPECT_EQ(run_id_for_files(""), "%");
  const std::string a = run_id_for_files(std::string(5000, 'a'));
  const std::string b = run_id_for_files(std::string(5001, 'a'));
  EXPECT_EQ(a.size(), kRunIdFileBytesMax);
  EXPECT_NE(a, b);
}

TEST(TailHead, GivesBackItsFieldsAndRefusesEveryFlippedBit) {
  const JournalBuilder builder;
  auto bytes = encode_tail_head({.compatible_flags = 6, .file_number = 42, .journal = builder.uuid()});
  const auto head = decode_tail_head(bytes);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().file_number, 42U);
  EXPECT_EQ(head.value().compatible_flags, 6U);
  EXPECT_EQ(head.value().journal, builder.uuid());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    EXPECT_EQ(decode_tail_head(bytes).status().code(), Code::kCorrupt) << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(decode_tail_head(std::span(bytes).first(length)).status().code(), Code::kTruncated) << length;
  }
}

TEST(TailHead, OfANewerVersionOrWithAnUnknownFeatureIsUnsupported) {
  const auto newer = encode_tail_head({.version = kFormatVersion + 1});
  EXPECT_EQ(decode_tail_head(newer).status().code(), Code::kUnsupported);
  const auto feature = encode_tail_head({.incompatible_flags = 0x80});
  EXPECT_EQ(decode_tail_head(feature).status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace wb
