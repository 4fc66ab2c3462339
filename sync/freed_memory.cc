// Freed memory: glibc's two thresholds; other C libraries have no such choice.
#include "sync/freed_memory.h"

#include <malloc.h>

namespace wb {

void keep_freed_memory() noexcept {
#ifdef __GLIBC__
  constexpr int kMapBytes = 32 << 20;   // glibc's own limit: larger blocks go back to the kernel as they are freed.
  constexpr int kTrimBytes = 64 << 20;  // Free bytes at the end of the heap that stay.
  mallopt(M_MMAP_THRESHOLD, kMapBytes);
  mallopt(M_TRIM_THRESHOLD, kTrimBytes);
#endif
}

}  // namespace wb
