// The trainer's end of a ring: places records into it and publishes them. The hot path.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/frame.h"
#include "schema/record.h"
#include "schema/ring_layout.h"
#include "wb/run.h"
#include "writer/key_table.h"
#include "writer/ring.h"
#include "writer/spin_lock.h"

namespace wb {

/// What a call to log() led to.
struct LogOutcome {
  bool accepted = false;
  bool needs_attention = false;  ///< The row was dropped, or the keeper is silent or in trouble.
};

/// Writes the trainer's frames into one ring. Thread-safe. Neither log() allocates or calls the system, once the
/// names it uses are known and while there is room.
class Producer {
 public:
  /// `ring` outlives the producer. `wait_when_full_ms` > 0: log() may wait that long for room (WB_WHEN_FULL=block:MS).
  Producer(Ring& ring, std::int64_t wait_when_full_ms);

  /// For a forked child: keys keep the indices that they had in the parent. Before the first log().
  void inherit(std::vector<std::string> names, std::int64_t step);

  LogOutcome log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept;
  LogOutcome log(std::span<const Metric> metrics, const LogOptions& options) noexcept;

  /// As Run::try_log(): a row that is not accepted was not counted.
  LogOutcome try_log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept;

  /// As Run::key().
  Result<Key> key(std::string_view name);

  /// Publishes a map as one record, or as several if it is long (their union has the same meaning for all kinds
  /// that may be long). Waits at most 200 ms for room. kFull: call again; kInvalidArgument: an entry is too long.
  Status add_map(Kind kind, std::span<const Metric> entries);

  /// Publishes the finish record; nothing is accepted afterwards. kFull: call again. kClosed: it was there already.
  Status add_finish(std::int32_t exit_code, std::uint8_t flags);

  std::uint64_t accepted_sequence() const noexcept {
    return ring_.header().producer.accepted_sequence.load(std::memory_order_relaxed);
  }
  std::int64_t step() const noexcept { return step_.load(std::memory_order_relaxed); }
  Counts counts() const noexcept;
  const KeyTable& keys() const noexcept { return keys_; }

 private:
  enum class Placed : std::uint8_t { kYes, kNoRoom, kDropped };
  /// What becomes of a row that cannot be placed.
  enum class Refusal : std::uint8_t {
    kUncounted,         ///< Nothing.
    kDropUnlessNoRoom,  ///< It is dropped, unless it only lacks room.
    kDrop,              ///< It is dropped.
  };
  struct StepPlan {
    std::int64_t step;
    std::int64_t next_step;
    std::uint8_t flags;
  };

  // With the lock held:
  StepPlan plan_step(const LogOptions& options) const noexcept;
  Placed place_row(std::span<const KeyMetric> metrics, const LogOptions& options, Refusal refusal,
                   bool& needs_attention) noexcept;
  Placed place_parts(std::span<const KeyMetric> metrics, const StepPlan& plan, Timestamp time) noexcept;
  void write_part(std::byte* frame, std::span<const KeyMetric> metrics, std::size_t text_bytes, const StepPlan& plan,
                  std::uint8_t flags, Timestamp time) noexcept;
  Placed drop(const StepPlan& plan) noexcept;
  Placed check_unusual(std::span<const KeyMetric> metrics) noexcept;
  std::span<const KeyMetric> intern_row(std::span<const Metric> metrics) noexcept;
  std::uint32_t find_or_intern(std::string_view name) noexcept;
  bool place_key(std::uint32_t index, std::string_view name) noexcept;
  bool has_room(std::size_t bytes, std::size_t reserved_bytes) noexcept;
  std::byte* head_at() const noexcept { return data_ + (head_ & mask_); }
  void publish(std::size_t bytes) noexcept;
  Status place_map(Kind kind, std::span<const Metric> entries);

  // Without it:
  template <typename Row>
  LogOutcome log_row(const Row& row, const LogOptions& options) noexcept;
  void count_drop(std::int64_t step) noexcept;
  bool wait_for_room(std::int64_t& first_ns) const noexcept;
  Timestamp now() const noexcept;

  Ring& ring_;
  RingProducer& shared_;
  const RingKeeper& keeper_;
  std::byte* const data_;
  const std::size_t mask_;
  const std::uint32_t salt_;
  const std::int64_t wait_when_full_ms_;

  alignas(64) SpinLock lock_;
  std::uint64_t head_ = 0;
  std::uint64_t room_end_ = 0;      // The keeper's tail as last seen, plus the ring's bytes.
  std::uint64_t sequence_ = 0;      // Of the last record.
  std::uint32_t key_count_ = 0;     // keys_.size().
  std::uint32_t silent_count_ = 0;  // Keys below it are inherited: maybe not announced in this journal yet.
  bool is_open_ = true;
  std::atomic<std::int64_t> step_{0};         // Stored with the lock held.
  std::atomic<std::uint64_t> accepted_{0};    // Rows; stored with the lock held.
  std::atomic<std::uint64_t> late_drops_{0};  // Rows after the finish; any thread.
  KeyTable keys_;
  std::vector<bool> announced_;       // Of the inherited keys.
  std::vector<KeyMetric> named_row_;  // The last row that came with names; its indices are the next row's guess.
};

}  // namespace wb
