// Opening a ring whose header cannot be trusted.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/ring_maker.h"
#include "writer/ring_view.h"

namespace wb::test {
namespace {

TEST(RingView, ShowsAFrameThatWrapsAroundInOnePiece) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  const auto view = RingView::open(ring.fd());
  ASSERT_TRUE(view.ok()) << view.status().message();
  const std::uint64_t near_end = view.value()->data_bytes() - 8;
  ring.header().producer.head.store(near_end);
  ring.header().keeper.tail.store(near_end);
  ASSERT_TRUE(ring.publish_row(42));
  const auto frame = read_frame(view.value()->bytes(near_end, 128), ring.journal().salt());
  ASSERT_TRUE(frame.ok()) << frame.status().message();
  EXPECT_EQ(frame.value().kind, Kind::kRow);
}

TEST(RingView, RefusesAHeaderThatContradictsItself) {
  struct Case {
    std::string name;
    Code code;
    std::function<void(RingHeader&)> damage;
  };
  const std::vector<Case> cases = {
      {"magic", Code::kCorrupt, [](RingHeader& h) { h.identity.magic[0] = 'x'; }},
      {"version", Code::kUnsupported, [](RingHeader& h) { h.identity.version = 1; }},
      {"header size", Code::kCorrupt, [](RingHeader& h) { h.identity.header_bytes = 4096; }},
      {"no data", Code::kCorrupt, [](RingHeader& h) { h.identity.data_bytes = 0; }},
      {"odd size", Code::kCorrupt, [](RingHeader& h) { h.identity.data_bytes = kRingBytesMin + 1; }},
      {"larger than the file", Code::kCorrupt, [](RingHeader& h) { h.identity.data_bytes *= 2; }},
      {"huge", Code::kCorrupt, [](RingHeader& h) { h.identity.data_bytes = std::uint64_t{1} << 63; }},
      {"no pid", Code::kCorrupt, [](RingHeader& h) { h.identity.trainer_pid = 0; }},
      {"negative pid", Code::kCorrupt, [](RingHeader& h) { h.identity.trainer_pid = -1; }},
      {"no directory", Code::kCorrupt, [](RingHeader& h) { h.directory[0] = 0; }},
      {"relative directory", Code::kCorrupt, [](RingHeader& h) { std::strcpy(h.directory, "runs"); }},
      {"upward directory", Code::kCorrupt, [](RingHeader& h) { std::strcpy(h.directory, "/runs/../etc"); }},
      {"directory without end", Code::kCorrupt, [](RingHeader& h) { std::memset(h.directory, 'a', 4096); }},
      {"no stem", Code::kCorrupt, [](RingHeader& h) { h.stem[0] = 0; }},
      {"stem with a path", Code::kCorrupt, [](RingHeader& h) { h.stem[3] = '/'; }},
      {"hidden stem", Code::kCorrupt, [](RingHeader& h) { h.stem[0] = '.'; }},
      {"stem without end", Code::kCorrupt, [](RingHeader& h) { std::memset(h.stem, 'a', 512); }},
      {"another journal's stem", Code::kCorrupt, [](RingHeader& h) { h.identity.journal_uuid[0] ^= 1; }},
  };
  int case_count = 0;
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.name);
    const TempDirectory directory;
    RingMaker ring(directory.path());
    bad.damage(ring.header());
    const auto view = RingView::open(ring.fd());
    ring.header().identity.data_bytes = kRingBytesMin;  // RingMaker unmaps by it.
    ASSERT_FALSE(view.ok());
    EXPECT_EQ(view.status().code(), bad.code) << view.status().message();
    ++case_count;
  }
  EXPECT_EQ(case_count, 18);
}

TEST(RingView, RefusesFilesThatAreTooShortOrNoFiles) {
  const int memory = ::memfd_create("short", MFD_CLOEXEC);
  EXPECT_EQ(RingView::open(memory).status().code(), Code::kCorrupt);
  ASSERT_EQ(::ftruncate(memory, kRingHeaderBytes), 0);
  EXPECT_EQ(RingView::open(memory).status().code(), Code::kCorrupt);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(RingView::open(ends[0]).status().code(), Code::kCorrupt);
  EXPECT_FALSE(RingView::open(-1).ok());
  for (const int fd : {memory, ends[0], ends[1]}) ::close(fd);
}

TEST(RingView, OfAMemfdHasNoPath) {
  const TempDirectory directory;
  RingMaker ring(directory.path());
  const auto view = RingView::open(ring.fd());
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(ring_path(ring.fd(), *view.value()), ring.path());
  ASSERT_EQ(::unlink(ring.path().c_str()), 0);
  EXPECT_EQ(ring_path(ring.fd(), *view.value()), "");
}

// The offsets may hold anything at any time: the keeper says so and still ends with the trainer.
TEST(Keeper, SurvivesOffsetsThatTheProgramOverwrote) {
  int case_count = 0;
  for (const std::uint64_t head : {~std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1} << 40}) {
    SCOPED_TRACE(head);
    const TempDirectory directory;
    RingMaker ring(directory.path());
    ring.publish_start();
    const std::uint64_t good_head = ring.header().producer.head.load();
    KeeperProcess keeper(foreground_keeper(WB_BINARY_DIR), ring.fd());
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.tail.load() == good_head; }));
    ring.header().producer.head.store(head);
    ASSERT_TRUE(eventually([&] { return ring.header().keeper.state.load() == KeeperState::kFailing; }));
    EXPECT_EQ(ring.header().keeper.status_code.load(), static_cast<std::uint32_t>(Code::kCorrupt));
    ring.header().identity.trainer_start_ticks += 1;
    keeper.kill(SIGKILL);
    keeper.wait();
    KeeperProcess next(foreground_keeper(WB_BINARY_DIR), ring.fd());
    EXPECT_EQ(next.wait().exit_code, 0);
    EXPECT_EQ(read_only_journal(directory.path()).sequences.size(), ring.sequence());
    ++case_count;
  }
  EXPECT_EQ(case_count, 3);
}

}  // namespace
}  // namespace wb::test
