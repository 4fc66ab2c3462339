// Replays every corpus file: what a fuzzer has found once stays found.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "schema/bytes.h"
#include "tests/fuzz/targets.h"

namespace wb {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::filesystem::directory_iterator files_of(std::string_view target) {
  return std::filesystem::directory_iterator(WB_SOURCE_DIR "/tests/corpus/" + std::string(target));
}

std::set<ColumnCodec> codecs_of(std::string_view target,
                                std::optional<ColumnCodec> (*run)(std::span<const std::byte>)) {
  std::set<ColumnCodec> codecs;
  for (const auto& entry : files_of(target)) {
    if (const auto codec = run(as_bytes(read_file(entry.path())))) codecs.insert(*codec);
  }
  return codecs;
}

TEST(Corpus, IsReadByEachTargetWithoutHarm) {
  for (const FuzzTarget& target : kFuzzTargets) {
    int count = 0;
    for (const auto& entry : files_of(target.name)) {
      SCOPED_TRACE(entry.path());
      const std::string text = read_file(entry.path());
      target.run(as_bytes(text));
      for (std::size_t bytes = 0; bytes < text.size(); bytes += 1 + text.size() / 16) {
        target.run(as_bytes(std::string_view(text).substr(0, bytes)));
      }
      ++count;
    }
    EXPECT_GE(count, 3) << target.name;
  }
}

TEST(Corpus, HasAColumnOfEveryCodec) {
  const std::set<ColumnCodec> read = codecs_of("column", fuzz_column);
  const std::set<ColumnCodec> written = codecs_of("values", fuzz_values);
  for (int codec = 0; codec <= static_cast<int>(ColumnCodec::kQuotient); ++codec) {
    EXPECT_TRUE(read.contains(static_cast<ColumnCodec>(codec))) << codec;
    const bool is_written = codec == 1 || codec >= static_cast<int>(ColumnCodec::kDictionary);
    EXPECT_EQ(written.contains(static_cast<ColumnCodec>(codec)), is_written) << codec;
  }
  EXPECT_EQ(read.size(), 11U);
}

}  // namespace
}  // namespace wb
