// What the C library does with memory that wbsync frees.
#pragma once

namespace wb {

/// Keeps up to 64 MiB of freed memory in the process. Call it once at the start of a program that merges: pieces and
/// batches are allocated again and again, and to give their pages back and take them anew costs a quarter of the merge.
void keep_freed_memory() noexcept;

}  // namespace wb
