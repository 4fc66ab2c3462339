// The hot path: one lock, one clock reading, bytes in place, one CRC, one release store.
#include "writer/producer.h"

#include <time.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "schema/limits.h"
#include "writer/clock.h"
#include "writer/futex.h"

namespace wb {
namespace {

constexpr std::int64_t kKeeperBusyNs = 100'000'000;  // A keeper that advanced this recently makes room soon.
constexpr std::int64_t kWaitForRoomNs = 500'000;
constexpr long kNapNs = 20'000;
constexpr long kLongNapNs = 200'000;
constexpr std::int64_t kKeeperSilentNs = 5'000'000'000;  // Then somebody looks after it: it hangs or does not run.
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr unsigned kNoNumberBit = 4;  // In the types from kString on, and in none before.

Uuid journal_of(const RingHeader& header) noexcept {
  Uuid journal;
  std::memcpy(journal.bytes.data(), header.identity.journal_uuid, journal.bytes.size());
  return journal;
}

}  // namespace

Producer::Producer(Ring& ring, std::int64_t wait_when_full_ms)
    : ring_(ring),
      shared_(ring.header().producer),
      keeper_(ring.header().keeper),
      data_(ring.data()),
      mask_(ring.data_bytes() - 1),
      salt_(journal_of(ring.header()).salt()),
      wait_when_full_ms_(wait_when_full_ms),
      room_end_(ring.data_bytes()) {}

Timestamp Producer::now() const noexcept {
  const std::int64_t mono_ns = monotonic_ns();
  return {mono_ns - mono_ns % 1000, keeper_.wall_offset_us.load(std::memory_order_relaxed)};
}

template <typename Row>
LogOutcome Producer::log_row(const Row& row, const LogOptions& options) noexcept {
  LogOutcome outcome;
  std::int64_t first_ns = 0;
  for (bool last_try = false;; last_try = !wait_for_room(first_ns)) {
    if (!lock_.lock()) {  // This is a signal handler in the middle of a log().
      count_drop(step());
      return outcome;
    }
    const Refusal refusal = last_try ? Refusal::kDrop : Refusal::kDropUnlessNoRoom;
    const Placed placed = place_row(row(), options, refusal, outcome.needs_attention);
    lock_.unlock();
    if (placed == Placed::kNoRoom) continue;
    outcome.accepted = placed == Placed::kYes;
    return outcome;
  }
}

LogOutcome Producer::log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept {
  return log_row([metrics] { return metrics; }, options);
}

LogOutcome Producer::try_log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept {
  LogOutcome outcome;
  const SpinGuard guard(lock_);
  if (!guard.held()) return outcome;
  outcome.accepted = place_row(metrics, options, Refusal::kUncounted, outcome.needs_attention) == Placed::kYes;
  return outcome;
}

LogOutcome Producer::log(std::span<const Metric> metrics, const LogOptions& options) noexcept {
  return log_row([this, metrics] { return intern_row(metrics); }, options);
}

Producer::StepPlan Producer::plan_step(const LogOptions& options) const noexcept {
  const std::int64_t current = step_.load(std::memory_order_relaxed);
  const auto after = [](std::int64_t step) {
    return step == std::numeric_limits<std::int64_t>::max() ? step : step + 1;
  };
  if (!options.step) {
    const bool commit = options.commit.value_or(true);
    return {current, commit ? after(current) : current, commit ? kRowCommit : std::uint8_t{0}};
  }
  const std::int64_t step = *options.step;
  if (step < current) return {step, current, kRowExplicitStep | kRowOutOfOrder | kRowCommit};
  const bool commit = options.commit.value_or(false);
  return {step, commit ? after(step) : step, static_cast<std::uint8_t>(kRowExplicitStep | (commit ? kRowCommit : 0))};
}

Producer::Placed Producer::place_row(std::span<const KeyMetric> metrics, const LogOptions& options, Refusal refusal,
                                     bool& needs_attention) noexcept {
  if (!is_open_) [[unlikely]] {
    if (refusal != Refusal::kUncounted) late_drops_.fetch_add(1, std::memory_order_relaxed);
    return Placed::kDropped;
  }
  const Timestamp time = now();
  needs_attention = time.mono_ns - keeper_.last_advance_ns.load(std::memory_order_relaxed) > kKeeperSilentNs ||
                    keeper_.state.load(std::memory_order_relaxed) == KeeperState::kFailing;
  const StepPlan plan = plan_step(options);
  std::size_t text_bytes = 0;
  bool is_unusual = false;
  unsigned types = 0;
  for (const KeyMetric& metric : metrics) {
    is_unusual |= metric.key.index - silent_count_ >= key_count_ - silent_count_;
    types |= static_cast<unsigned>(metric.value.type());
  }
  if ((types & kNoNumberBit) != 0) {
    for (const KeyMetric& metric : metrics) {
      is_unusual |= metric.value.type() > ValueType::kNull;
      text_bytes += metric.value.text().size();
    }
  }
  Placed placed = is_unusual ? check_unusual(metrics) : Placed::kYes;
  const std::size_t payload_bytes = row_bytes(metrics.size(), text_bytes);
  if (placed == Placed::kYes) [[likely]] {
    if (payload_bytes > kScalarRecordBytesMax) [[unlikely]] {
      placed = place_parts(metrics, plan, time);
    } else if (has_room(frame_bytes(payload_bytes), kRingReservedBytes)) [[likely]] {
#ifdef WB_MUTANT_LENGTH_BEFORE_PAYLOAD
      std::byte* const frame = head_at();
      publish(frame_bytes(payload_bytes));
      write_part(frame, metrics, text_bytes, plan, plan.flags, time);
#else
      write_part(head_at(), metrics, text_bytes, plan, plan.flags, time);
      publish(frame_bytes(payload_bytes));
#endif
    } else {
      placed = Placed::kNoRoom;
    }
  }
  if (placed != Placed::kYes) [[unlikely]] {
    if (refusal == Refusal::kUncounted) return placed;
    if (refusal == Refusal::kDropUnlessNoRoom && placed == Placed::kNoRoom) return placed;
    needs_attention = true;  // A person is told, not more than once a minute.
    return drop(plan);
  }
  step_.store(plan.next_step, std::memory_order_relaxed);
  accepted_.store(accepted_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return Placed::kYes;
}

void Producer::write_part(std::byte* frame, std::span<const KeyMetric> metrics, std::size_t text_bytes,
                          const StepPlan& plan, std::uint8_t flags, Timestamp time) noexcept {
  RowEncoder row(frame + kFrameHeadBytes, metrics.size(), text_bytes, plan.step, time);
  for (std::size_t i = 0; i < metrics.size(); ++i) row.set(i, metrics[i].key.index, metrics[i].value);
  seal_frame(frame, row_bytes(metrics.size(), text_bytes), Kind::kRow, flags, ++sequence_, salt_);
}

void Producer::publish(std::size_t bytes) noexcept {
#ifdef WB_MUTANT_ACK_BEFORE_PUBLISH
  shared_.head.store(head_, std::memory_order_release);  // Published by the next record.
  head_ += bytes;
#else
  head_ += bytes;
  shared_.head.store(head_, std::memory_order_release);
#endif
  shared_.accepted_sequence.store(sequence_, std::memory_order_relaxed);
}

bool Producer::has_room(std::size_t bytes, std::size_t reserved_bytes) noexcept {
  if (head_ + bytes + reserved_bytes <= room_end_) [[likely]] {
    return true;
  }
  // Acquire: what the keeper read from the freed bytes it read before we overwrite them.
  room_end_ = keeper_.tail.load(std::memory_order_acquire) + mask_ + 1;
  return head_ + bytes + reserved_bytes <= room_end_;
}

bool Producer::wait_for_room(std::int64_t& first_ns) const noexcept {
  const std::int64_t now_ns = monotonic_ns();
  const bool is_first = first_ns == 0;
  if (is_first) first_ns = now_ns;
  const bool may_block = now_ns - first_ns < wait_when_full_ms_ * kNsPerMs;
  if (!may_block) {
    if (now_ns - keeper_.last_advance_ns.load(std::memory_order_relaxed) > kKeeperBusyNs) return false;
    if (now_ns - first_ns > kWaitForRoomNs) return false;
  }
  if (is_first) {
    shared_.doorbell.fetch_add(1, std::memory_order_release);
    futex_wake(shared_.doorbell);
  }
  // Asleep, not spinning: the keeper may need this very processor.
  const timespec nap{0, may_block ? kLongNapNs : kNapNs};
  nanosleep(&nap, nullptr);
  return true;
}

Producer::Placed Producer::drop(const StepPlan& plan) noexcept {
  count_drop(plan.step);
  step_.store(plan.next_step, std::memory_order_relaxed);  // Rows after it keep the steps they would have had.
  return Placed::kDropped;
}

void Producer::count_drop(std::int64_t step) noexcept {
  // A signal handler may come between any two of these lines: the count stays exact, the range may be wider.
  const bool is_first =
      shared_.dropped_count.load(std::memory_order_relaxed) == keeper_.dropped_recorded.load(std::memory_order_relaxed);
  const auto first = is_first ? step : std::min(step, shared_.dropped_first_step.load(std::memory_order_relaxed));
  const auto last = is_first ? step : std::max(step, shared_.dropped_last_step.load(std::memory_order_relaxed));
  shared_.dropped_first_step.store(first, std::memory_order_relaxed);
  shared_.dropped_last_step.store(last, std::memory_order_relaxed);
  shared_.dropped_count.fetch_add(1, std::memory_order_release);
}

Counts Producer::counts() const noexcept {
  return {accepted_.load(std::memory_order_relaxed),
          shared_.dropped_count.load(std::memory_order_relaxed) + late_drops_.load(std::memory_order_relaxed)};
}

}  // namespace wb
