// A call per piece: each holds the lock of the address space, for which a mapping by the program waits.
#include "writer/prefault.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "writer/background.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace wb {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;  // Some 20 us.

}  // namespace

bool Prefault::is_possible() noexcept {
  return madvise(nullptr, 0, MADV_POPULATE_WRITE) == 0;  // EINVAL: an unknown advice.
}

Prefault::~Prefault() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Prefault::start(std::span<std::byte> memory) noexcept {
  try {
    auto thread = start_thread([this, memory] { run(memory); });
    if (thread.ok()) {
      thread_ = std::move(thread).value();
      return;
    }
  } catch (const std::bad_alloc&) {  // No thread either.
  }
  run(memory);
}

void Prefault::run(std::span<std::byte> memory) noexcept {
  while (!memory.empty() && !stop_.load(std::memory_order_relaxed)) {
    const auto piece = memory.first(std::min(memory.size(), kPieceBytes));
    if (madvise(piece.data(), piece.size(), MADV_POPULATE_WRITE) != 0) return;  // A hint: page faults do without.
    memory = memory.subspan(piece.size());
  }
}

}  // namespace wb
