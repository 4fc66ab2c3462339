// Ctrl-C by one flag that a signal handler may set.
#include "sync/interrupt.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace wb {
namespace {

using std::chrono::milliseconds;

std::atomic<bool> interrupt_flag{false};  // Stored by the signal handler only.
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr milliseconds kSlice{50};  // So soon a wait notices the flag.

void note_interrupt(int /*signal*/) {
  interrupt_flag.store(true, std::memory_order_relaxed);
}

}  // namespace

void watch_for_interrupt() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

bool was_interrupted() noexcept {
  return interrupt_flag.load(std::memory_order_relaxed);
}

milliseconds SystemClock::now() const {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

bool SystemClock::wait(milliseconds duration) {
  const milliseconds end = now() + duration;
  for (milliseconds left = duration; left.count() > 0 && !interrupted(); left = end - now()) {
    std::this_thread::sleep_for(std::min(left, kSlice));
  }
  return !interrupted();
}

}  // namespace wb
