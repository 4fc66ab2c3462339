// Preloaded into a program: its n-th allocation fails. WB_TEST_MALLOC="PHASE INDEX FOREVER DESCRIPTOR": allocations
// count in that phase (0: always), INDEX from 1, FOREVER 0 or 1; how many there were is kept in the file DESCRIPTOR, 8
// bytes.
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* place, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void wb_test_enter_phase(int phase) __attribute__((visibility("default")));
}

namespace {

struct Plan {
  int phase = -1;
  unsigned long long index = 0;
  int forever = 0;
  std::atomic<std::uint64_t>* count = nullptr;

  Plan() {
    const char* const text = std::getenv("WB_TEST_MALLOC");
    int file = -1;
    if (text == nullptr || std::sscanf(text, "%d %llu %d %d", &phase, &index, &forever, &file) != 4) return;
    void* const memory = mmap(nullptr, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) count = static_cast<std::atomic<std::uint64_t>*>(memory);
  }
};

std::atomic<int> present_phase{0};
std::atomic<Plan*> plan{nullptr};  // Allocations before the program's own code do not count.

bool fails() noexcept {
  Plan* const known = plan.load(std::memory_order_acquire);
  if (known == nullptr || known->count == nullptr) return false;
  if (known->phase != 0 && known->phase != present_phase.load(std::memory_order_relaxed)) return false;
  const std::uint64_t number = known->count->fetch_add(1, std::memory_order_relaxed) + 1;
  const bool failing = known->forever != 0 ? number >= known->index : number == known->index;
  if (failing) errno = ENOMEM;
  return failing && known->index != 0;
}

__attribute__((constructor)) void read_plan() {
  static Plan read;
  plan.store(&read, std::memory_order_release);
}

}  // namespace

extern "C" {

void wb_test_enter_phase(int phase) {
  present_phase.store(phase, std::memory_order_relaxed);
}
__attribute__((visibility("default"))) void* malloc(std::size_t bytes) {
  return fails() ? nullptr : __libc_malloc(bytes);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t bytes) {
  return fails() ? nullptr : __libc_calloc(count, bytes);
}
__attribute__((visibility("default"))) void* realloc(void* place, std::size_t bytes) {
  return fails() ? nullptr : __libc_realloc(place, bytes);
}
__attribute__((visibility("default"))) void* memalign(std::size_t alignment, std::size_t bytes) {
  return fails() ? nullptr : __libc_memalign(alignment, bytes);
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return memalign(alignment, bytes);
}
__attribute__((visibility("default"))) int posix_memalign(void** place, std::size_t alignment, std::size_t bytes) {
  void* const made = memalign(alignment, bytes);
  if (made == nullptr) return ENOMEM;
  *place = made;
  return 0;
}

}  // extern "C"
