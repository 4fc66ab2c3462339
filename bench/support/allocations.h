// Counts the calls of operator new in a program that is linked with allocations.cc.
#pragma once

#include <cstdint>

namespace wb::bench {

/// Calls so far, of all threads and of shared libraries too.
std::uint64_t allocation_count() noexcept;

}  // namespace wb::bench
