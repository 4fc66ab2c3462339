// The parts of a trainer's life in which calls are made to fail, and how a trainer tells which one it is in.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace wb::test {

enum class Phase : std::uint8_t { kNone = 0, kOpen = 1, kLog = 2, kFlush = 3, kFinish = 4 };

inline constexpr long kPhaseCall = 100'000;  // No system call has this number; a tracer sees it all the same.

}  // namespace wb::test

/// Of failing_malloc.cc, if that is preloaded.
extern "C" void wb_test_enter_phase(int phase) __attribute__((weak));

namespace wb::test {

inline void enter(Phase phase) {
  ::syscall(kPhaseCall, static_cast<long>(phase));
  if (wb_test_enter_phase != nullptr) wb_test_enter_phase(static_cast<int>(phase));
}

}  // namespace wb::test
