// The life of a keeper.
#include "writer/keeper/keeper.h"

#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "writer/drain.h"
#include "writer/keeper/death_watch.h"
#include "writer/keeper/heartbeat_thread.h"
#include "writer/keeper/pack.h"
#include "writer/keeper/rescue.h"
#include "writer/keeper/signals.h"
#include "writer/keeper/work_queue.h"
#include "writer/ring_lock.h"

namespace wb {
namespace {

/// The tails that could not be sealed so far. Belongs to the work queue's thread until that has ended.
class Sealer {
 public:
  explicit Sealer(JournalPlace place) : place_(std::move(place)) {}

  void seal(std::uint32_t number) {
    unsealed_.push_back(number);  // First: whatever happens, it is tried once more.
    if (pack_tail(place_, number).ok()) unsealed_.pop_back();
  }
  /// Once more, for those that failed while the disk was full. Gives the last failure.
  Status seal_rest() const {
    Status failure;
    for (const std::uint32_t number : unsealed_) {
      if (Status status = pack_tail(place_, number); !status.ok()) failure = std::move(status);
    }
    return failure;
  }

 private:
  JournalPlace place_;
  std::vector<std::uint32_t> unsealed_;
};

/// Opens the drain. A journal that never was there is refused at once: init can still say so. One that an earlier
/// keeper had is tried again for as long as it takes.
Result<std::unique_ptr<Drain>> open_drain(RingView& ring, std::size_t tail_bytes_max) {
  const bool is_first = ring.keeper().state.load(std::memory_order_acquire) == KeeperState::kNone;
  for (std::uint32_t failure_count = 1;; ++failure_count) {
    auto drain = Drain::open(ring, tail_bytes_max);
    if (drain.ok()) return drain;
    ring.report(is_first ? KeeperState::kRefused : KeeperState::kFailing, drain.status().code(),
                drain.status().message());
    if (is_first) return drain;
    std::this_thread::sleep_for(std::chrono::nanoseconds(retry_wait_ns(failure_count)));
  }
}

/// Rounds until the journal's end is durable. Leaves the tails that the last round completed to the caller.
void drain_to_end(Drain& drain, SignalReader& signals, const DeathWatch& watch,
                  const std::function<void(std::uint32_t)>& seal) {
  bool is_ending = false;
  while (true) {
    // Asked before the round: what the trainer wrote before it died lies in the ring by then.
    auto death = watch.death();
    for (const SignalSeen& signal : signals.read()) drain.record(signal);
    // A failure stands in the ring for the trainer, and the next rounds try again.
    static_cast<void>(drain.round());
    if (drain.done()) return;
    for (const std::uint32_t number : drain.take_completed()) seal(number);
    if (!is_ending && (death || drain.finished())) {
      is_ending = true;
      drain.begin_end(std::move(death));
      continue;
    }
    drain.wait();
  }
}

}  // namespace

Status keep(int ring_fd, const KeeperOptions& options) {
  auto opened = RingView::open(ring_fd);
  if (!opened.ok()) return opened.status();
  RingView& ring = *opened.value();
  if (!lock_ring(ring_fd, kKeeperLockByte)) return {};
  // Started by a trainer that is dead by now, behind a rescue that was quicker.
  if (is_done(ring.keeper().state.load(std::memory_order_acquire))) return {};
  ring.keeper().keeper_pid.store(::getpid(), std::memory_order_relaxed);
  SignalReader signals;
  std::optional<HeartbeatThread> heartbeat(ring.keeper());
  auto drain = open_drain(ring, options.tail_bytes_max);
  if (!drain.ok()) return drain.status();

  const std::string path = ring_path(ring_fd, ring);
  Sealer sealer({ring.directory(), ring.stem(), ring.journal()});
  {
    WorkQueue queue;
    queue.add([&] { rescue_rings(path.empty() ? kRingDirectory : path.substr(0, path.rfind('/')), ring_fd); });
    const auto seal = [&](std::uint32_t number) { queue.add([&sealer, number] { sealer.seal(number); }); };
    {
      DeathWatch watch(ring_fd, ring.identity(), [&ring] { ring.ring_doorbell(); });
      drain_to_end(*drain.value(), signals, watch, seal);
    }
#ifdef WB_MUTANT_SEAL_BEFORE_UNLINK
    for (const std::uint32_t number : drain.value()->take_completed()) sealer.seal(number);
#endif
    if (!path.empty()) ::unlink(path.c_str());
    heartbeat.reset();
    ring.report(KeeperState::kDone, Code::kOk, "");
    // Only now: until the ring says so itself, another keeper learns from the last tail that the journal has its end.
    for (const std::uint32_t number : drain.value()->take_completed()) seal(number);
  }
  Status sealed = sealer.seal_rest();
  ring.report(KeeperState::kSealed, sealed.code(), sealed.message());
  return sealed;
}

}  // namespace wb
