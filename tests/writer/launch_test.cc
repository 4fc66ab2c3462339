// Starting wbkeep: where it is looked for, what environment it gets, what a failure says.
#include "writer/launch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"

namespace wb {
namespace {

constexpr std::int64_t kWaitNs = 20'000'000'000;

TEST(Launch, GivesTheKeeperNoKeysAndNoLoaderVariables) {
  const char* const variables[] = {"TZ=UTC",          "LANG=C",        "LC_ALL=C",        "WB_SYNC_SECONDS=2",
                                   "WB_API_KEY=k",    "WB_TOKEN=t",    "WANDB_API_KEY=k", "LD_PRELOAD=/x.so",
                                   "LD_LIBRARY_PATH", "PYTHONPATH=/x", "HOME=/root",      nullptr};
  const KeeperProgram program = find_keeper("", variables);
  EXPECT_EQ(program.environment, (std::vector<std::string>{"TZ=UTC", "LANG=C", "LC_ALL=C", "WB_SYNC_SECONDS=2"}));
}

TEST(Launch, LooksBesideTheProgramOrOnlyWhereItIsTold) {
  const KeeperProgram found = find_keeper("", nullptr);
  EXPECT_NE(std::find(found.candidates.begin(), found.candidates.end(), WB_BINARY_DIR "/bin/wbkeep"),
            found.candidates.end());
  for (const std::string& candidate : found.candidates) EXPECT_EQ(candidate.front(), '/');
  EXPECT_EQ(find_keeper("/opt/wbkeep", nullptr).candidates, std::vector<std::string>{"/opt/wbkeep"});
}

TEST(Launch, HandsOverTheRingAsDescriptorThree) {
  const test::TempDirectory directory;
  const std::string script = directory.path() + "/keeper";
  std::ofstream(script) << "#!/bin/sh\necho \"$FOO$WB_X\" >&3\n";
  ASSERT_EQ(chmod(script.c_str(), 0755), 0);
  const std::string file = directory.path() + "/ring";
  const int ring = open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(ring, 0);
  const char* const variables[] = {"FOO=foo", "WB_X=x", nullptr};
  auto launch = Launch::begin(find_keeper(script, variables), ring);
  ASSERT_TRUE(launch.ok());
  EXPECT_EQ(launch.value().wait(kWaitNs), Launch::State::kStarted);
  close(ring);
  std::string line;
  std::getline(std::ifstream(file), line);
  EXPECT_EQ(line, "x");
}

TEST(Launch, SaysWhyItFailed) {
  const test::TempDirectory directory;
  const std::string plain = directory.path() + "/plain";
  std::ofstream(plain) << "no program";
  const std::pair<std::string, std::string> cases[] = {
      {directory.path() + "/missing", "not found"}, {plain, plain}, {"/bin/false", "ended at once"}};
  int count = 0;
  for (const auto& [path, words] : cases) {
    SCOPED_TRACE(path);
    auto launch = Launch::begin(find_keeper(path, nullptr), 0);
    ASSERT_TRUE(launch.ok());
    ASSERT_EQ(launch.value().wait(kWaitNs), Launch::State::kFailed);
    EXPECT_NE(launch.value().failure().find(words), std::string::npos) << launch.value().failure();
    ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST(Launch, KeepsTheRingOpenForAStartThatIsStillGoingOn) {
  const test::TempDirectory directory;
  const std::string fifo = directory.path() + "/fifo";
  const std::string script = directory.path() + "/keeper";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::ofstream(script) << "#!/bin/sh\nread line < " << fifo << "\necho \"$line\" >&3\n";
  ASSERT_EQ(chmod(script.c_str(), 0755), 0);
  const std::string file = directory.path() + "/ring";
  Descriptor ring(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  {
    auto launch = Launch::begin(find_keeper(script, nullptr), ring.get());
    ASSERT_TRUE(launch.ok());
    EXPECT_EQ(launch.value().state(), Launch::State::kStarting);
    launch.value().leave(std::move(ring));
  }
  std::ofstream(fifo) << "late\n";  // Opens once the script reads.
  EXPECT_TRUE(test::eventually([&] {
    std::string line;
    std::getline(std::ifstream(file), line);
    return line == "late";
  }));
}

}  // namespace
}  // namespace wb
