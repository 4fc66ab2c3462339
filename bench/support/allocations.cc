// Replaces operator new and delete by counting ones. In a file of its own: the compiler must not see both sides.
#include "bench/support/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::uint64_t> calls{0};
}

void* operator new(std::size_t bytes) {
  calls.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace wb::bench {

std::uint64_t allocation_count() noexcept {
  return calls.load(std::memory_order_relaxed);
}

}  // namespace wb::bench
