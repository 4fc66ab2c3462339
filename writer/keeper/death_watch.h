// DeathWatch: notices at once when the trainer ends.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "schema/descriptor.h"
#include "writer/drain.h"

namespace wb {

/// Waits in a thread of its own: on a pidfd, or where the kernel has none on the ring's trainer lock. It also sees that
/// the lock was dropped while the process lives (it replaced its program by exec).
class DeathWatch {
 public:
  /// `ring_fd` is borrowed; `on_death` is called once, from the watching thread.
  DeathWatch(int ring_fd, const RingIdentity& trainer, std::function<void()> on_death);
  /// Ends the thread.
  ~DeathWatch();
  DeathWatch(const DeathWatch&) = delete;
  DeathWatch& operator=(const DeathWatch&) = delete;

  /// How the trainer ended; nothing while it lives.
  std::optional<Death> death() const;

 private:
  void run();
  void watch_process(int pidfd);
  void watch_lock();
  bool has_let_go() const;
  bool exec_seen();
  void found(Death death);

  int ring_fd_;
  RingIdentity trainer_;
  std::function<void()> on_death_;
  Descriptor stop_;  // An eventfd; readable: end.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> in_lock_call_{false};  // Stored by the thread: SIGRTMIN interrupts it.
  std::atomic<bool> ended_{false};         // Stored by the thread as its last act.
  bool lock_was_held_ = false;
  int unlocked_checks_ = 0;
  mutable std::mutex mutex_;
  std::optional<Death> death_;
  std::thread thread_;  // Last: it starts when all else is there.
};

/// What /proc tells about an ended trainer that nobody has collected yet.
Death describe_death(const RingIdentity& trainer);

}  // namespace wb
