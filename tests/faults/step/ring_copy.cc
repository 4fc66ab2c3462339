// Two mappings side by side; comparing them costs less than asking which instruction stores where.
#include "tests/faults/step/ring_copy.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "schema/frame.h"
#include "schema/uuid.h"
#include "writer/ring_view.h"

namespace wb::test {
namespace {

std::byte* map_all(int fd, std::size_t bytes) {
  void* const place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (place == MAP_FAILED) {
    std::perror("mapping a ring");
    std::abort();
  }
  return static_cast<std::byte*>(place);
}

}  // namespace

RingCopy::RingCopy(int fd) : copy_file_(::memfd_create("ring copy", MFD_CLOEXEC)) {
  struct stat facts {};
  ::fstat(fd, &facts);
  const auto bytes = static_cast<std::size_t>(facts.st_size);
  data_bytes_ = bytes - kRingHeaderBytes;
  live_ = map_all(fd, bytes);
  if (::ftruncate(copy_file_.get(), facts.st_size) != 0) std::abort();
  copy_ = map_all(copy_file_.get(), bytes);
  copy_all();
}

RingCopy::~RingCopy() {
  ::munmap(live_, kRingHeaderBytes + data_bytes_);
  ::munmap(copy_, kRingHeaderBytes + data_bytes_);
}

std::uint64_t RingCopy::head() const noexcept {
  return reinterpret_cast<const RingHeader*>(copy_)->producer.head.load(std::memory_order_acquire);
}

/// Of the file's bytes [first, first + count). True if there was a change.
bool RingCopy::take_changes(std::size_t first, std::size_t count) {
  if (std::memcmp(live_ + first, copy_ + first, count) == 0) return false;
  std::memcpy(copy_ + first, live_ + first, count);
  return true;
}

RingCopy::Change RingCopy::update(std::size_t window_bytes) {
  const std::size_t mask = data_bytes_ - 1;
  // The bytes of the data area in one or two pieces.
  const auto look_at = [&](std::uint64_t position, std::size_t count) {
    const std::size_t at = position & mask;
    const std::size_t first = std::min(count, data_bytes_ - at);
    const bool is_changed = take_changes(kRingHeaderBytes + at, first);
    return (count > first && take_changes(kRingHeaderBytes, count - first)) || is_changed;
  };
  const std::uint64_t old_head = head();
  Change change = Change::kNone;
  if (look_at(old_head, window_bytes)) change = Change::kBeyondHead;
  if (take_changes(offsetof(RingHeader, producer), sizeof(RingProducer))) change = Change::kVisible;
  const std::size_t before = std::min<std::size_t>(old_head, kFrameHeadBytes + 8);
  if (look_at(old_head - before, before)) change = Change::kVisible;
  return change;
}

void RingCopy::copy_all() {
  std::memcpy(copy_, live_, kRingHeaderBytes + data_bytes_);
}

bool RingCopy::is_same() const {
  return std::memcmp(live_, copy_, offsetof(RingHeader, keeper)) == 0 &&
         std::memcmp(live_ + kRingHeaderBytes, copy_ + kRingHeaderBytes, data_bytes_) == 0;
}

void RingCopy::copy_keeper() {
  std::memcpy(copy_ + offsetof(RingHeader, keeper), live_ + offsetof(RingHeader, keeper), sizeof(RingKeeper));
}

bool RingCopy::is_whole_to_head() const {
  const auto ring = RingView::open(copy_file_.get());
  if (!ring.ok()) return false;
  const std::uint64_t end = head();
  for (std::uint64_t at = ring.value()->keeper().tail.load(std::memory_order_acquire); at != end;) {
    const auto frame = read_frame(ring.value()->bytes(at, end - at), ring.value()->journal().salt());
    if (!frame.ok()) return false;
    at += frame_bytes(frame.value().payload.size());
  }
  return true;
}

}  // namespace wb::test
