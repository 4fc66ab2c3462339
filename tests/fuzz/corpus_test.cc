// Replays every corpus file: what a fuzzer has found once stays found.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/bytes.h"
#include "tests/fuzz/targets.h"

namespace wb {
namespace {

TEST(Corpus, IsReadByEachTargetWithoutHarm) {
  for (const FuzzTarget& target : kFuzzTargets) {
    int count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(WB_SOURCE_DIR "/tests/corpus/" + std::string(target.name))) {
      SCOPED_TRACE(entry.path());
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      target.run(as_bytes(text));
      for (std::size_t bytes = 0; bytes < text.size(); bytes += 1 + text.size() / 16) {
        target.run(as_bytes(std::string_view(text).substr(0, bytes)));
      }
      ++count;
    }
    EXPECT_GE(count, 3) << target.name;
  }
}

}  // namespace
}  // namespace wb
