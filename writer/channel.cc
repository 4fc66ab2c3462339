// Starting the keeper, looking after it, waiting for it: everything that is not the hot path.
#include "writer/channel.h"

#include <algorithm>
#include <cstring>

#include "writer/clock.h"
#include "writer/futex.h"

namespace wb {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kRevivalIntervalNs = 5'000'000'000;
constexpr std::int64_t kSliceNs = 20 * kNsPerMs;        // A wait looks at the other things this often.
constexpr std::int64_t kNoProgressNs = 150 * kNsPerMs;  // finish() gives up after this long without any.
constexpr std::int64_t kFinishNs = 5'000 * kNsPerMs;

Status keeper_report(const RingKeeper& keeper, Code fallback) {
  const auto number = keeper.status_code.load(std::memory_order_acquire);
  const bool is_known = number > 0 && number <= static_cast<std::uint32_t>(Code::kInternal);
  const std::size_t bytes = strnlen(keeper.status_text, sizeof keeper.status_text);
  return {is_known ? static_cast<Code>(number) : fallback, std::string(keeper.status_text, bytes)};
}

}  // namespace

Channel::Channel(Ring ring, const KeeperChoice& keeper, std::int64_t wait_when_full_ms)
    : ring_(std::move(ring)), producer_(ring_, wait_when_full_ms), choice_(keeper) {}

Result<std::unique_ptr<Channel>> Channel::open(const RingRequest& request, const KeeperChoice& keeper,
                                               std::int64_t wait_when_full_ms) {
  auto ring = Ring::create(request);
  if (!ring.ok()) return ring.status();
  std::unique_ptr<Channel> channel(new Channel(std::move(ring).value(), keeper, wait_when_full_ms));
  const std::lock_guard lock(channel->keeper_mutex_);
  Status started = keeper.mode == KeeperMode::kThread ? channel->start_thread("") : channel->start_keeper();
  if (!started.ok()) {
    channel->ring_.unlink();
    return started;
  }
  return channel;
}

Channel::~Channel() {
  // A keeper that is still being started gets the ring's descriptor: it finds all records there.
  if (launch_ && launch_->state() == Launch::State::kStarting) launch_->leave(ring_.release_descriptor());
}

Status Channel::start_keeper() noexcept {
  auto launch = Launch::begin(choice_.program, ring_.descriptor());
  if (launch.ok()) {
    launch_ = std::move(launch).value();
    return {};
  }
  return choice_.mode == KeeperMode::kProcess ? launch.status() : start_thread(launch.status().message());
}

Status Channel::start_thread(const std::string& why) noexcept {
  ring_.header().identity.keeper_is_thread = 1;
  auto thread = KeeperThread::start(ring_.descriptor());
  if (!thread.ok()) return thread.status();
  thread_ = std::move(thread).value();
  if (!why.empty()) {
    say("no keeper process (" + why + "); a thread writes the journal instead: a file system that hangs can delay " +
        "the program's end, and 'wbsync' seals the journal");
  }
  return {};
}

Status Channel::replace_failed_launch() noexcept {
  if (thread_ || !launch_ || launch_->state() != Launch::State::kFailed) return {};
  const Status failed(Code::kNotFound, launch_->failure());
  return choice_.mode == KeeperMode::kProcess ? failed : start_thread(failed.message());
}

Status Channel::await_keeper(milliseconds timeout) noexcept {
  const std::int64_t end_ns = monotonic_ns() + timeout.count() * kNsPerMs;
  for (;;) {
    const std::uint32_t seen = keeper().reply.load(std::memory_order_acquire);
    const KeeperState state = keeper_state();
    if (state == KeeperState::kRefused) {
      ring_.unlink();
      return keeper_report(keeper(), Code::kIoError);
    }
    if (state != KeeperState::kNone) return {};
    {
      const std::lock_guard lock(keeper_mutex_);
      if (Status status = replace_failed_launch(); !status.ok()) {
        ring_.unlink();
        return status;
      }
    }
    const std::int64_t left_ns = end_ns - monotonic_ns();
    if (left_ns <= 0) return {};
    futex_wait(keeper().reply, seen, std::min(left_ns, kSliceNs));
  }
}

void Channel::await_launch(milliseconds timeout) noexcept {
  const std::lock_guard lock(keeper_mutex_);
  if (!launch_) return;
  launch_->wait(timeout.count() * kNsPerMs);
  // Without a keeper the records stay in the ring, for rescue and for later attempts.
  static_cast<void>(replace_failed_launch());
}

void Channel::attend(bool accepted) noexcept {
  const std::int64_t now_ns = monotonic_ns();
  if (!accepted && drop_warning_.open(now_ns)) {
    WarningGate::say_aside(
        std::to_string(producer_.counts().dropped) +
        " rows dropped so far (no room in the ring, or a value over 64 KiB); the journal names them");
  }
  if (keeper_state() == KeeperState::kFailing && trouble_warning_.open(now_ns)) {
    WarningGate::say_aside("the journal cannot be written now: " + status().message() +
                           "; the keeper goes on trying, records wait in memory");
  }
  if (now_ns - keeper().heartbeat_ns.load(std::memory_order_relaxed) > kRevivalIntervalNs) revive_keeper();
}

void Channel::revive_keeper() noexcept {
  const std::int64_t now_ns = monotonic_ns();
  std::int64_t next_ns = next_revival_ns_.load(std::memory_order_relaxed);
  if (now_ns < next_ns || !next_revival_ns_.compare_exchange_strong(next_ns, now_ns + kRevivalIntervalNs)) return;
  const std::unique_lock lock(keeper_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || thread_ || is_done(keeper_state())) return;
  if (launch_ && launch_->state() == Launch::State::kStarting) return;
  const bool has_failed = launch_ && launch_->state() == Launch::State::kFailed;
  const Status status =
      has_failed && choice_.mode == KeeperMode::kAuto ? start_thread(launch_->failure()) : start_keeper();
  if (!status.ok() && trouble_warning_.open(now_ns)) {
    WarningGate::say_aside("the keeper is gone and cannot be started again: " + status.message());
  }
}

bool Channel::keeper_is_gone() noexcept {
  const std::lock_guard lock(keeper_mutex_);
  if (thread_ || is_done(keeper_state())) return false;
  if (launch_ && launch_->state() == Launch::State::kStarting) return false;
  // Before its first sign of life a keeper is on its way; the heartbeat decides then.
  return keeper().keeper_pid.load(std::memory_order_relaxed) != 0 && !ring_.has_keeper();
}

bool Channel::will_be_sealed() noexcept {
  const std::lock_guard lock(keeper_mutex_);
  return thread_ == nullptr;
}

std::uint64_t Channel::request_sync() noexcept {
  const std::uint64_t request = shared().sync_request.fetch_add(1, std::memory_order_release) + 1;
  shared().doorbell.fetch_add(1, std::memory_order_release);
  futex_wake(shared().doorbell);
  return request;
}

bool Channel::is_durable(std::uint64_t sequence) const noexcept {
  return keeper().durable_sequence.load(std::memory_order_acquire) >= sequence;
}

Status Channel::flush(milliseconds timeout) noexcept {
  const std::uint64_t sequence = producer_.accepted_sequence();
  const std::int64_t end_ns = monotonic_ns() + timeout.count() * kNsPerMs;
  const std::uint32_t first_reply = keeper().reply.load(std::memory_order_acquire);
  const std::uint64_t request = request_sync();
  if (keeper_is_gone()) revive_keeper();
  for (;;) {
    const std::uint32_t seen = keeper().reply.load(std::memory_order_acquire);
    if (keeper().synced_request.load(std::memory_order_acquire) >= request || is_durable(sequence)) return {};
    const bool has_reported = seen != first_reply;
    if (has_reported && keeper_state() == KeeperState::kFailing) return status();
    const std::int64_t left_ns = end_ns - monotonic_ns();
    if (left_ns <= 0) {
      Status trouble = status();
      return !trouble.ok() ? trouble : Status(Code::kTimeout, "the keeper has not synced yet; call again");
    }
    futex_wait(keeper().reply, seen, std::min(left_ns, kSliceNs));
  }
}

Status Channel::finish(std::int32_t exit_code, std::uint8_t flags) noexcept {
  if (Status status = producer_.add_finish(exit_code, flags); !status.ok()) return status;
  prefault_.stop();
  const std::uint64_t sequence = producer_.accepted_sequence();
  request_sync();
  bool may_revive = true;
  const std::int64_t end_ns = monotonic_ns() + kFinishNs;
  std::int64_t patience_end_ns = monotonic_ns() + kNoProgressNs;
  std::uint64_t last_progress = 0;
  for (;;) {
    const std::uint32_t seen = keeper().reply.load(std::memory_order_acquire);
    const KeeperState state = keeper_state();
    const bool durable = is_durable(sequence) || is_done(state);
    // A journal that is one file when the program ends can be moved, copied or deleted at once.
    if (durable && (state == KeeperState::kSealed || !will_be_sealed())) return {};
    const std::uint64_t progress =
        keeper().progress.load(std::memory_order_acquire) + keeper().tail.load(std::memory_order_acquire);
    const std::int64_t now_ns = monotonic_ns();
    if (may_revive && keeper_is_gone()) {
      may_revive = false;
      patience_end_ns = now_ns + kNoProgressNs;
      revive_keeper();
    }
    if (progress != std::exchange(last_progress, progress)) patience_end_ns = now_ns + kNoProgressNs;
    const std::int64_t left_ns = std::min(end_ns, patience_end_ns) - now_ns;
    if (left_ns <= 0) {
      if (durable) return {};
      Status trouble = status();
      return !trouble.ok() ? trouble : Status(Code::kTimeout, "the journal is not durable yet; the keeper goes on");
    }
    futex_wait(keeper().reply, seen, std::min(left_ns, kSliceNs));
  }
}

Status Channel::status() const noexcept {
  const KeeperState state = keeper_state();
  if (state != KeeperState::kFailing && state != KeeperState::kRefused) return {};
  return keeper_report(keeper(), Code::kIoError);
}

}  // namespace wb
