// Bringing memory in ahead of its first use: every page, and no byte changed.
#include "writer/prefault.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "schema/descriptor.h"
#include "tests/support/keeper_process.h"
#include "writer/ring.h"

namespace wb {
namespace {

constexpr std::size_t kPageBytes = 4096;

Result<Ring> make_ring(std::uint8_t number) {
  RingRequest request;
  request.journal.bytes[0] = std::byte{number};
  request.journal.bytes[15] = static_cast<std::byte>(getpid());
  request.directory = "/nowhere/run";
  request.stem = "run.r0.a0.00000000";
  return Ring::create(request);
}

/// Pages of `memory` that this process has mapped, by /proc/self/pagemap.
std::size_t mapped_pages(std::span<std::byte> memory) {
  const Descriptor file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  std::vector<std::uint64_t> entries(memory.size() / kPageBytes);
  const std::size_t bytes = entries.size() * sizeof entries[0];
  const auto at = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(memory.data()) / kPageBytes * sizeof entries[0]);
  EXPECT_EQ(pread(file.get(), entries.data(), bytes, at), static_cast<ssize_t>(bytes));
  return static_cast<std::size_t>(std::ranges::count_if(entries, [](std::uint64_t entry) { return entry >> 63 != 0; }));
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

TEST(Prefault, LeavesNoPageFaultForTheRowsOfARing) {
  auto ring = make_ring(31);
  ASSERT_TRUE(ring.ok()) << ring.status().message();
  ring.value().unlink();
  const std::span<std::byte> memory = ring.value().log_memory();
  // Before Linux 5.14 the ring is made with all its pages.
  if (Prefault::is_possible()) {
    ASSERT_LT(mapped_pages(memory), 100U);
  }
  Prefault prefault;
  prefault.start(memory);
  // Written meanwhile, as by log().
  for (std::size_t at = kRingHeaderBytes; at < ring.value().data_bytes(); at += 512) memory[at] = std::byte{91};
  ASSERT_TRUE(test::eventually([&] { return mapped_pages(memory) == memory.size() / kPageBytes; }))
      << mapped_pages(memory);
  const long before = page_faults();
  std::size_t page_count = 0;
  for (std::size_t at = 0; at < memory.size(); at += kPageBytes, ++page_count) memory[at + 8] = std::byte{92};
  EXPECT_LE(page_faults() - before, 2);
  EXPECT_GT(page_count, 2000U);
  for (std::size_t at = kRingHeaderBytes; at < ring.value().data_bytes(); at += 512) {
    ASSERT_EQ(memory[at], std::byte{91}) << at;
  }
}

TEST(Prefault, TouchesNothingOnceItIsStopped) {
  constexpr std::size_t kBytes = std::size_t{8} << 20;
  void* const place = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(place, MAP_FAILED);
  const std::span<std::byte> memory(static_cast<std::byte*>(place), kBytes);
  {
    Prefault prefault;
    prefault.stop();
    prefault.start(memory);
  }
  EXPECT_EQ(mapped_pages(memory), 0U);
  munmap(place, kBytes);
}

}  // namespace
}  // namespace wb
