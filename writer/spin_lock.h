// The lock of a process's producer threads: private memory, knows its owner, never waits for another process.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstdint>

namespace wb {

/// Held for well under a microsecond. A signal handler that interrupts the holder is told so instead of waiting
/// for itself. A forked child never uses its parent's lock.
class SpinLock {
 public:
  /// Takes the lock. False: this thread holds it already (a signal handler interrupted it); nothing is taken.
  [[nodiscard]] bool lock() noexcept {
    const auto self = static_cast<std::uintptr_t>(pthread_self());
    std::uintptr_t owner = 0;
    if (owner_.compare_exchange_strong(owner, self, std::memory_order_acquire)) [[likely]] {
      return true;
    }
    return owner != self && wait(self);
  }

  void unlock() noexcept { owner_.store(0, std::memory_order_release); }

 private:
  static constexpr int kSpins = 200;
  static constexpr int kYields = 100;
  static constexpr long kSleepNs = 50'000;

  bool wait(std::uintptr_t self) noexcept {
    for (int round = 0;; ++round) {
      std::uintptr_t owner = 0;
      if (owner_.load(std::memory_order_relaxed) == 0 &&
          owner_.compare_exchange_weak(owner, self, std::memory_order_acquire)) {
        return true;
      }
      if (round < kSpins) {
        pause();
      } else if (round < kSpins + kYields) {
        sched_yield();
      } else {
        // A holder of lower real-time priority gets the processor only when this thread sleeps.
        const timespec time{0, kSleepNs};
        nanosleep(&time, nullptr);
      }
    }
  }

  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  std::atomic<std::uintptr_t> owner_{0};  // pthread_self() of the holder; stored by it alone.
};

/// Holds a SpinLock for a scope; `held()` is false in a signal handler that interrupted the holder.
class SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) noexcept : lock_(lock), held_(lock.lock()) {}
  ~SpinGuard() {
    if (held_) lock_.unlock();
  }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;
  bool held() const noexcept { return held_; }

 private:
  SpinLock& lock_;
  const bool held_;
};

}  // namespace wb
