// log() allocates nothing once its names are known.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "writer/producer.h"

namespace {

// Counts this thread's calls of operator new while it is switched on.
thread_local bool counts_allocations = false;
thread_local int allocation_count = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  if (counts_allocations) ++allocation_count;
  if (void* const place = std::malloc(bytes)) return place;
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}
void operator delete[](void* place) noexcept {
  std::free(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  std::free(place);
}

namespace wb {
namespace {

TEST(HotPath, AllocatesNothingOnceItsNamesAreKnown) {
  RingRequest request;
  request.journal.bytes[3] = std::byte{9};
  request.journal.bytes[7] = static_cast<std::byte>(getpid());
  request.directory = "/nowhere";
  request.stem = "run.r0.a0.00000009";
  auto ring = Ring::create(request);
  ASSERT_TRUE(ring.ok()) << ring.status().message();
  ring.value().unlink();
  Producer producer(ring.value(), 0);
  const std::vector<std::string> names = {"loss", "a/much/longer/name/of/a/metric", "accuracy", "text"};
  std::vector<Metric> row;
  std::vector<KeyMetric> key_row;
  for (const std::string& name : names) {
    row.push_back({name, name == "text" ? Value("a text that is longer than any small buffer") : Value(0.5)});
    key_row.push_back({producer.key(name).value(), row.back().value});
  }
  ASSERT_TRUE(producer.log(std::span<const Metric>(row), {}).accepted);
  counts_allocations = true;
  bool all_accepted = true;
  for (int i = 0; i < 1'000; ++i) {
    all_accepted &= producer.log(std::span<const Metric>(row), {}).accepted;
    all_accepted &= producer.log(std::span<const KeyMetric>(key_row), {.step = i * 3 + 5}).accepted;
    std::swap(row[0], row[2]);  // Names at other places than in the row before.
  }
  const int counted = allocation_count;
  ::operator delete(::operator new(4));  // The counter does count. A plain `new` could be optimised away.
  counts_allocations = false;
  EXPECT_TRUE(all_accepted);
  EXPECT_EQ(counted, 0);
  EXPECT_EQ(allocation_count, 1);
}

}  // namespace
}  // namespace wb
