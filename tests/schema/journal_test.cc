// Journals: files joined into one sequence, damage named.
#include <gtest/gtest.h>

#include "schema/journal/journal_reader.h"
#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

TEST(Journal, ReadsATailThatIsStillWritten) {
  const TestDir directory;
  JournalBuilder builder;
  builder.run("r1");
  const std::uint32_t loss = builder.key("loss");
  for (int i = 0; i < 10; ++i) builder.row(i, {{loss, 0.5}});
  write_file(directory.path() + "/" + journal_file(builder.stem(), 0, FileKind::kTail), builder.tail());
  const auto journals = list_journals(directory.path());
  ASSERT_TRUE(journals.ok());
  ASSERT_EQ(journals.value().size(), 1U);
  std::uint64_t count = 0;
  const auto scan = read_journal(journals.value()[0], 0, [&](const Frame&) { return ++count > 0; });
  ASSERT_TRUE(scan.ok()) << scan.status().message();
  EXPECT_EQ(count, 12U);
  EXPECT_TRUE(scan.value().damage.empty());
  EXPECT_TRUE(scan.value().ends_open);
}

}  // namespace
}  // namespace wb
