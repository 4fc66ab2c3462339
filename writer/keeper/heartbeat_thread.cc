// A timed wait and two stores.
#include "writer/keeper/heartbeat_thread.h"

#include <chrono>

#include "writer/heartbeat.h"

namespace wb {
namespace {

constexpr std::chrono::milliseconds kBeat{250};

}  // namespace

HeartbeatThread::HeartbeatThread(RingKeeper& keeper) : thread_([this, &keeper] { run(keeper); }) {}

HeartbeatThread::~HeartbeatThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void HeartbeatThread::run(RingKeeper& keeper) {
  std::unique_lock lock(mutex_);
  do {
    beat(keeper);
  } while (!wake_.wait_for(lock, kBeat, [this] { return stop_; }));
}

}  // namespace wb
