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
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kRevivalIntervalNs = 5'000'000'000;
constexpr std::int64_t kSilenceNs = 1'000'000'000;  // A keeper that has not advanced for so long does not run or hangs.
constexpr std::int64_t kSliceNs = 20 * kNsPerMs;    // A wait looks at the other things this often.
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
                                               std::int64_t wait_when_full_ms,
                                               const std::function<Status(Producer&)>& publish) {
  auto ring = Ring::create(request);
  if (!ring.ok()) return ring.status();
  std::unique_ptr<Channel> channel(new Channel(std::move(ring).value(), keeper, wait_when_full_ms));
  const std::lock_guard lock(channel->keeper_mutex_);
  Status status = publish(channel->producer_);
  if (status.ok()) status = keeper.mode == KeeperMode::kThread ? channel->start_thread("") : channel->start_keeper();
  if (!status.ok()) return status;
  channel->ring_.keep();
  return channel;
}

Channel::~Channel() {
  // A keeper that is still being started gets the ring's descriptor: it finds all records there.
  if (launch_ && launch_->state() == Launch::State::kStarting) launch_->leave(ring_.release_descriptor());
}

Status Channel::start_keeper() {
  auto launch = Launch::begin(choice_.program, ring_.descriptor());
  if (launch.ok()) {
    launch_ = std::move(launch).value();
    return {};
  }
  return choice_.mode == KeeperMode::kProcess ? launch.status() : start_thread(launch.status().message());
}

Status Channel::start_thread(const std::string& why) {
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

Status Channel::replace_failed_launch() {
  if (thread_ || !launch_ || launch_->state() != Launch::State::kFailed) return {};
  const Status failed(Code::kNotFound, launch_->failure());
  return choice_.mode == KeeperMode::kProcess ? failed : start_thread(failed.message());
}

Status Channel::await_keeper(milliseconds timeout) {
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

void Channel::await_launch(milliseconds timeout) {
  const std::lock_guard lock(keeper_mutex_);
  if (!launch_) return;
  launch_->wait(timeout.count() * kNsPerMs);
  // Without a keeper the records stay in the ring, for rescue and for later attempts.
  static_cast<void>(replace_failed_launch());
}

void Channel::attend(bool accepted) noexcept {
  const std::int64_t now_ns = monotonic_ns();
  if (now_ns - keeper().heartbeat_ns.load(std::memory_order_relaxed) > kRevivalIntervalNs) revive_keeper();
  // A keeper that was killed is replaced without a word; a row that was dropped is told.
  const bool is_silent = now_ns - keeper().last_advance_ns.load(std::memory_order_relaxed) > 2 * kRevivalIntervalNs;
  if (!accepted || is_silent || keeper_state() == KeeperState::kFailing) warn(now_ns);
}

/// One message a minute for all troubles, with what to do.
void Channel::warn(std::int64_t now_ns) noexcept {
  if (!warning_.open(now_ns)) return;
  try {
    const Status trouble = status();
    std::string text =
        "the journal cannot be written now: " + trouble.message() + "; it goes on by itself when that is over";
    if (trouble.ok()) {
      text =
          "a row was dropped: the program logs faster than the keeper writes, or a value is over 64 KiB; a larger ring "
          "(WB_RING_BYTES) or waiting for room (WB_WHEN_FULL=block:MS) may help";
    }
    const std::uint64_t dropped = producer_.counts().dropped;
    if (dropped > 0) {
      text.append("; ").append(std::to_string(dropped)).append(" rows dropped so far, which the journal will name");
    } else {
      text += "; rows wait in memory, and are dropped and counted where that is full";
    }
    WarningGate::say_aside(std::move(text));
  } catch (const std::bad_alloc&) {  // The journal names what is dropped all the same.
  }
}

void Channel::revive_keeper() noexcept {
  const std::int64_t now_ns = monotonic_ns();
  std::int64_t next_ns = next_revival_ns_.load(std::memory_order_relaxed);
  if (now_ns < next_ns || !next_revival_ns_.compare_exchange_strong(next_ns, now_ns + kRevivalIntervalNs)) return;
  const std::unique_lock lock(keeper_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || thread_ || is_done(keeper_state())) return;
  if (launch_ && launch_->state() == Launch::State::kStarting) return;
  const bool has_failed = launch_ && launch_->state() == Launch::State::kFailed;
  try {
    const Status status =
        has_failed && choice_.mode == KeeperMode::kAuto ? start_thread(launch_->failure()) : start_keeper();
    if (!status.ok() && warning_.open(now_ns)) {
      WarningGate::say_aside("the keeper is gone and cannot be started again: " + status.message());
    }
  } catch (const std::bad_alloc&) {  // The next call tries again.
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

Status Channel::flush(milliseconds timeout) {
  const std::uint64_t sequence = producer_.accepted_sequence();
  const std::int64_t end_ns = monotonic_ns() + timeout.count() * kNsPerMs;
  const std::uint32_t first_reply = keeper().reply.load(std::memory_order_acquire);
  const std::uint64_t request = request_sync();
  for (;;) {
    if (keeper_is_gone()) revive_keeper();  // It may die while it is waited for.
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

Status Channel::finish(std::int32_t exit_code, std::uint8_t flags) {
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

Status Channel::status() const {
  const KeeperState state = keeper_state();
  if (state == KeeperState::kFailing || state == KeeperState::kRefused) return keeper_report(keeper(), Code::kIoError);
  return is_done(state) ? Status() : keeper_silence(monotonic_ns());
}

/// What no keeper reports: it does not run, or a call to its file system does not return.
Status Channel::keeper_silence(std::int64_t now_ns) const {
  const std::int64_t silent_ns = now_ns - keeper().last_advance_ns.load(std::memory_order_relaxed);
  if (silent_ns < kSilenceNs) return {};
  const std::string seconds = std::to_string(silent_ns / kNsPerSecond) + " s";
  if (now_ns - keeper().heartbeat_ns.load(std::memory_order_relaxed) > kSilenceNs) {
    const std::int32_t pid = keeper().keeper_pid.load(std::memory_order_relaxed);
    return {Code::kTimeout, "the keeper (process " + std::to_string(pid) + ") has not run for " + seconds +
                                "; it is stopped, or was killed, or others take all processors"};
  }
  return {Code::kTimeout, "the file system of " + std::string(ring_.header().directory) + " does not answer, for " +
                              seconds + " now; see whether its disk or server is well"};
}

}  // namespace wb
