// Tells a forked child from the process that it was copied from, without a system call.
#pragma once

#include <atomic>
#include <cstdint>

#include "wb/status.h"

namespace wb {

/// A word on a page that the kernel wipes in forked children. It says how far this process has come with opening its
/// own way to the journal; in a fresh child nobody has begun, whatever the parent was doing.
class ForkPage {
 public:
  enum class State : std::uint32_t { kFresh = 0, kOpening = 1, kReady = 2, kFailed = 3 };

  /// kIoError: no memory.
  static Result<ForkPage> create();
  ForkPage(ForkPage&& other) noexcept;
  ForkPage& operator=(ForkPage&&) = delete;
  ~ForkPage();

  bool is_ready() const noexcept { return state() == State::kReady; }
  State state() const noexcept {
    const std::uint64_t word = word_->load(std::memory_order_acquire);
    if (is_wiped_) [[likely]] {
      return static_cast<State>(word & 3);
    }
    return state_by_pid(word);
  }

  /// Fresh to opening; true for exactly one thread of a process.
  bool claim() noexcept;
  /// While opening: true in the thread that claimed the page, that is in a signal handler that interrupted it.
  bool is_opened_by_this_thread() const noexcept;
  /// Opening to ready or failed. Release: publishes what was opened.
  void settle(State state) noexcept;

 private:
  ForkPage() = default;
  State state_by_pid(std::uint64_t word) const noexcept;
  std::uint64_t tagged(State state) const noexcept;

  // Two bits of state; above them the pid if the kernel does not wipe; in the upper half who is opening.
  std::atomic<std::uint64_t>* word_ = nullptr;
  bool is_wiped_ = false;
};

}  // namespace wb
