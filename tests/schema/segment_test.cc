// Segments: what goes in comes back byte for byte, and the file says so itself.
#include <gtest/gtest.h>

#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

TEST(Segment, GivesBackEveryFrameByteForByte) {
  const TestDir directory;
  JournalBuilder builder;
  builder.run("r1");
  const std::uint32_t loss = builder.key("loss");
  const std::uint32_t text = builder.key("text");
  for (int i = 0; i < 5000; ++i) {
    builder.row(i, {{loss, 1.0 / (i + 1)}});
    if (i % 100 == 0) builder.heartbeat();
    if (i % 7 == 0) builder.row(i, {{loss, i}, {text, "step " + std::to_string(i)}});
  }
  builder.finish(0);
  builder.tail_end(true);
  const std::string path = directory.path() + "/x.wbj";
  builder.write_segment(path);
  expect_segment_has(path, builder.frames());
}

}  // namespace
}  // namespace wb
