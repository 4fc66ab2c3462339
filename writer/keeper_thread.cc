// The thread's life. It never touches what the trainer may free: the mapping and the drain are its own.
#include "writer/keeper_thread.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "writer/background.h"
#include "writer/clock.h"
#include "writer/drain.h"
#include "writer/heartbeat.h"
#include "writer/ring_lock.h"

namespace wb {
namespace {

constexpr std::int64_t kPatienceNs = 150'000'000;

}  // namespace

struct KeeperThread::State {
  std::unique_ptr<RingView> ring;
  std::string ring_path;
  std::atomic<bool> stop{false};    // Stored by the owner: no more records will come.
  std::atomic<bool> ended{false};   // Stored by the thread: it no longer works.
  std::atomic<int> owner_count{2};  // The owner and the thread.

  void release() {
    if (owner_count.fetch_sub(1) == 1) delete this;
  }
  void run();
};

void KeeperThread::State::run() {
  beat(ring->keeper());
  auto drain = Drain::open(*ring);
  if (!drain.ok()) {
    ring->report(KeeperState::kRefused, drain.status().code(), drain.status().message());
    ended.store(true);
    return;
  }
  bool is_ending = false;
  while (!drain.value()->done()) {
    const bool stopping = stop.load();
    beat(ring->keeper());
    // A failure stands in the ring for the trainer, and the next rounds try again.
    static_cast<void>(drain.value()->round());
    if (!is_ending && (stopping || drain.value()->finished())) {
      is_ending = true;
      drain.value()->begin_end(std::nullopt);
      continue;
    }
    if (!drain.value()->done()) drain.value()->wait();
  }
  if (!ring_path.empty()) ::unlink(ring_path.c_str());
  ring->report(KeeperState::kDone, Code::kOk, "");
  ended.store(true);
}

Result<std::unique_ptr<KeeperThread>> KeeperThread::start(int ring_fd) {
  auto ring = RingView::open(ring_fd);
  if (!ring.ok()) return ring.status();
  if (!lock_ring(ring_fd, kKeeperLockByte)) return Status(Code::kExists, "another keeper has the ring");
  ring.value()->keeper().keeper_pid.store(::getpid(), std::memory_order_relaxed);
  auto state = std::make_unique<State>();
  state->ring_path = ring_path(ring_fd, *ring.value());
  state->ring = std::move(ring).value();
  State* shared = state.get();
  const Status started = run_aside([shared] {
    try {
      shared->run();
    } catch (const std::exception&) {  // The ring keeps what is not written; nothing may end the training.
      shared->ring->report(KeeperState::kFailing, Code::kInternal, "out of memory; the keeper's thread has ended");
      shared->ended.store(true);
    }
    shared->release();
  });
  if (!started.ok()) return started;
  return std::unique_ptr<KeeperThread>(new KeeperThread(state.release()));
}

KeeperThread::~KeeperThread() {
  RingView& ring = *state_->ring;
  state_->stop.store(true);
  ring.ring_doorbell();
  std::uint64_t progress = ring.keeper().progress.load(std::memory_order_acquire);
  std::int64_t give_up_ns = monotonic_ns() + kPatienceNs;
  while (!state_->ended.load() && monotonic_ns() < give_up_ns) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::uint64_t now = ring.keeper().progress.load(std::memory_order_acquire);
    if (now != progress) give_up_ns = monotonic_ns() + kPatienceNs;
    progress = now;
  }
  state_->release();
}

}  // namespace wb
