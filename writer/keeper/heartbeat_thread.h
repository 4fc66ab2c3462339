// HeartbeatThread: keeps the ring's heartbeat fresh while the drain may hang in a file system.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "schema/ring_layout.h"

namespace wb {

/// Beats every 250 ms until it is destroyed. Touches no file system. `keeper` outlives it.
class HeartbeatThread {
 public:
  explicit HeartbeatThread(RingKeeper& keeper);
  ~HeartbeatThread();
  HeartbeatThread(const HeartbeatThread&) = delete;
  HeartbeatThread& operator=(const HeartbeatThread&) = delete;

 private:
  void run(RingKeeper& keeper);

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;  // Last: it starts when all else is there.
};

}  // namespace wb
