// KeeperThread: the keeper as a thread of the training process, where no process can be started.
#pragma once

#include <memory>

#include "wb/status.h"

namespace wb {

/// Writes the tail only; sealing is left to wbsync. The same rounds, records and recovery as in the keeper process; it
/// reports through the ring like one, and beats the heartbeat once a round, so that a hanging file system shows.
class KeeperThread {
 public:
  /// Starts the thread with all signals blocked. `ring_fd` is borrowed for the call and is never closed or copied here:
  /// that would drop the trainer's lock. kExists: a keeper has this ring. kCorrupt, kIoError as RingView::open;
  /// kIoError: no thread. Whether the journal could be created is in the ring's state, as with a process.
  static Result<std::unique_ptr<KeeperThread>> start(int ring_fd);

  /// Waits until the journal is complete while the thread makes progress, at most 150 ms without any; then leaves it to
  /// itself: it goes on with memory of its own until the process ends.
  ~KeeperThread();
  KeeperThread(const KeeperThread&) = delete;
  KeeperThread& operator=(const KeeperThread&) = delete;

 private:
  struct State;
  explicit KeeperThread(State* state) : state_(state) {}

  State* state_;  // Shared with the thread; the last of the two deletes it.
};

}  // namespace wb
