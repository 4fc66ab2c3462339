// FORMAT.md: the journal that it shows byte by byte is the golden one.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

TEST(FormatDocument, ShowsTheBytesOfAGoldenTail) {
  std::istringstream document(std::string(as_text(file_bytes(WB_SOURCE_DIR "/schema/FORMAT.md"))));
  std::vector<std::byte> shown;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line == "```") inside = !inside;
    if (!inside || line == "```") continue;
    ASSERT_EQ(std::stoul(line.substr(0, 3), nullptr, 16), shown.size()) << line;
    std::istringstream columns(line.substr(5, 47));
    for (unsigned value = 0; columns >> std::hex >> value;) shown.push_back(static_cast<std::byte>(value));
  }
  EXPECT_EQ(shown, file_bytes(WB_SOURCE_DIR "/tests/golden/v1/cut/cut/cut.r2.a1.63646566.000.tail"));
}

}  // namespace
}  // namespace wb
