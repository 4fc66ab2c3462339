// Prefault: brings memory into this process's page tables ahead of its first use, in a short thread of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <thread>

namespace wb {

/// Changes no byte. Whoever touches a page that it has not reached yet meets an ordinary page fault.
class Prefault {
 public:
  /// False before Linux 5.14, which cannot do this without writing into the memory.
  static bool is_possible() noexcept;

  Prefault() = default;
  /// Stops and waits for the thread, some microseconds.
  ~Prefault();
  Prefault(const Prefault&) = delete;
  Prefault& operator=(const Prefault&) = delete;

  /// Begins, once, and not after stop(). `memory` stays mapped as long as this object lives. Without a thread the call
  /// does the work itself.
  void start(std::span<std::byte> memory) noexcept;
  /// The memory is needed no more: ends the thread soon. Any thread.
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

 private:
  void run(std::span<std::byte> memory) noexcept;

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace wb
