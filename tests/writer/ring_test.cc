// Rings: private files of shared memory, allocated in full, locked, invisible to forked children.
#include "writer/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/journal_content.h"

namespace wb {
namespace {

RingRequest request_for(std::uint8_t number) {
  RingRequest request;
  request.journal.bytes[0] = std::byte{number};
  request.journal.bytes[14] = static_cast<std::byte>(getpid() >> 8);
  request.journal.bytes[15] = static_cast<std::byte>(getpid());
  request.directory = "/nowhere/run";
  request.stem = "run.r0.a0.00000000";
  return request;
}

TEST(Ring, IsAPrivateFileThatIsAllocatedInFullAndLocked) {
  RingRequest request = request_for(21);
  request.data_bytes = 3U << 20;
  auto made = Ring::create(request);
  ASSERT_TRUE(made.ok()) << made.status().message();
  const Ring ring = std::move(made).value();
  struct stat info;
  ASSERT_EQ(stat(ring.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(ring.data_bytes(), 2U << 20);
  EXPECT_EQ(static_cast<std::size_t>(info.st_size), kRingHeaderBytes + ring.data_bytes());
  EXPECT_GE(static_cast<std::size_t>(info.st_blocks) * 512, kRingHeaderBytes + ring.data_bytes());
  EXPECT_GE(ring.descriptor(), 10);
  EXPECT_NE(fcntl(ring.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(ring.header().identity.trainer_pid, getpid());
  EXPECT_STREQ(ring.header().directory, "/nowhere/run");
  // The second copy of the data is the first.
  ring.data()[5] = std::byte{77};
  EXPECT_EQ(ring.data()[ring.data_bytes() + 5], std::byte{77});
  ring.data()[5] = std::byte{0};

  const pid_t child = fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_len = 1;
    const bool is_locked = fcntl(ring.descriptor(), F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
    // Asking the kernel about the page instead of touching it: the mapping must not be there.
    unsigned char resident = 0;
    const bool is_mapped = mincore(&ring.header(), 1, &resident) == 0;
    _exit(is_locked && !is_mapped ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const_cast<Ring&>(ring).unlink();
}

TEST(Ring, IsNeverMadeOverAnExistingFileOrLink) {
  const RingRequest request = request_for(22);
  auto first = Ring::create(request);
  ASSERT_TRUE(first.ok());
  testing::internal::CaptureStderr();
  auto second = Ring::create(request);
  testing::internal::GetCapturedStderr();
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second.value().path().empty());  // Anonymous memory instead.
  EXPECT_EQ(access(first.value().path().c_str(), F_OK), 0);
  first.value().unlink();
}

TEST(Ring, FallsBackToAnonymousMemoryAndSaysSo) {
  const test::TempDirectory directory;
  RingRequest request = request_for(23);
  request.shared_memory = directory.path() + "/missing";
  testing::internal::CaptureStderr();
  auto ring = Ring::create(request);
  const std::string said = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(ring.ok()) << ring.status().message();
  EXPECT_TRUE(ring.value().path().empty());
  EXPECT_NE(said.find("wb: no room for a ring in " + request.shared_memory), std::string::npos) << said;
  ring.value().data()[ring.value().data_bytes() - 1] = std::byte{1};
}

TEST(Ring, RefusesNamesThatDoNotFitItsHeader) {
  RingRequest request = request_for(24);
  request.directory = "/" + std::string(5000, 'd');
  EXPECT_EQ(Ring::create(request).status().code(), Code::kInvalidArgument);
  request = request_for(24);
  request.stem = std::string(600, 's');
  EXPECT_EQ(Ring::create(request).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace wb
