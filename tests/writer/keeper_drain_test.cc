// The real wbkeep on a healthy disk: everything drained, sealed, nothing left behind.
#include <gtest/gtest.h>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"

namespace wb::test {
namespace {

void publish_start(RingMaker& ring) {
  ASSERT_TRUE(ring.publish_run());
  ASSERT_TRUE(ring.publish_key(0, "step"));
}

TEST(Keeper, DrainsARingIntoOneSealedFileAndRemovesTheRing) {
  const TempDirectory directory;
  RingMaker ring(directory.path() + "/runs/testrun");
  publish_start(ring);
  for (int step = 0; step < 1000; ++step) ASSERT_TRUE(ring.publish_row(step));
  ASSERT_TRUE(ring.publish_finish(0));
  KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
  const ProcessEnd end = keeper.wait();
  EXPECT_EQ(end.exit_code, 0) << end.errors;
  EXPECT_EQ(end.errors, "");
  EXPECT_FALSE(ring.exists());
  EXPECT_EQ(ring.header().keeper.state.load(), KeeperState::kDone);
  EXPECT_EQ(ring.header().keeper.durable_sequence.load(), ring.sequence());
  const std::string run = directory.path() + "/runs/testrun";
  EXPECT_EQ(files_ending_in(run, ""), (std::vector<std::string>{ring.stem() + ".000.wbj"}));
  const JournalContent content = read_only_journal(run);
  EXPECT_TRUE(is_each_once(content.sequences, ring.sequence()));
  EXPECT_EQ(content.steps.size(), 1000U);
  EXPECT_FALSE(content.scan.ends_open);
  EXPECT_TRUE(content.scan.damage.empty());
  EXPECT_EQ(content.kinds.count(Kind::kDeath), 0U);
}

}  // namespace
}  // namespace wb::test
