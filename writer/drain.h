// Drain: moves records from one ring into the journal's tail, in a keeper process or a thread of the trainer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/limits.h"
#include "writer/ring_view.h"
#include "writer/tail_writer.h"

namespace wb {

/// How the trainer ended without a finish record, as far as it is known.
struct Death {
  std::string reason;
  std::optional<std::int64_t> exit_code;
  std::optional<std::int64_t> signal;
};

/// A signal that the keeper received.
struct SignalSeen {
  std::int64_t signal = 0;
  std::int64_t sender_pid = 0;
  std::int64_t sender_uid = 0;
};

/// What decides about a sync.
struct SyncFacts {
  std::size_t undurable_bytes = 0;
  bool has_new_data = false;  ///< Something else than heartbeats.
  bool requested = false;     ///< By flush, finish, a signal or the journal's end.
  std::int64_t now_ns = 0;
  std::int64_t next_sync_ns = 0;
};
bool sync_due(const SyncFacts& facts) noexcept;

/// How long to wait after the n-th failure in a row (from 1): 100 ms, doubled up to 5 s.
std::int64_t retry_wait_ns(std::uint32_t failure_count) noexcept;

/// How long a keeper sleeps after a round that took `taken_bytes`, `elapsed_ns` after the round before it: until the
/// trainer, at that rate, has filled an eighth of the ring; 10 ms at most.
std::int64_t round_wait_ns(std::uint64_t taken_bytes, std::int64_t elapsed_ns, std::uint64_t ring_bytes) noexcept;

/// Belongs to one thread, the only one that stores the ring's keeper words but for the heartbeat.
class Drain {
 public:
  /// Makes the journal's directory and tail, passes over what an earlier keeper has written, and reports kReady.
  /// Fails as TailWriter::open and then reports nothing. `ring` outlives the drain.
  static Result<std::unique_ptr<Drain>> open(RingView& ring, std::size_t tail_bytes_max = kTailBytesMax);

  /// One round: what lies in the ring goes into the tail, a gap record names new drops, a sync follows if it is due.
  /// After a failure the ring's state is kFailing and the next rounds try again, 100 ms to 5 s apart.
  /// Gives this round's failure, for those who do not wait.
  Status round();
  /// Sleeps until the trainer rings or the next round is due, 10 ms at most.
  void wait() { ring_.wait_for_doorbell(seen_doorbell_, wait_ns_); }

  /// True once the finish record is written and nothing lies behind it.
  bool finished() const noexcept { return has_finish_ && ring_is_empty(); }
  /// Records a signal with the next round and makes that round sync.
  void record(const SignalSeen& signal) { signals_.push_back(signal); }
  /// From now on rounds write the rest, the death (unless a finish record turns up), and the journal's end.
  void begin_end(std::optional<Death> death);
  /// True once the journal's end is durable.
  bool done() const noexcept { return done_; }

  /// Tails that get no more frames and may be sealed; each number is given once.
  std::vector<std::uint32_t> take_completed() { return writer_->take_completed(); }

 private:
  Drain(RingView& ring, std::unique_ptr<TailWriter> writer);
  void look_back(std::uint64_t written_sequence) noexcept;
  Status attempt(std::int64_t now_ns);
  Status move_records();
  Status record_signals();
  Status record_gap();
  Status record_heartbeat(std::int64_t now_ns);
  Status record_end();
  Status sync(std::uint64_t request);
  Status take_batch(std::uint64_t head, std::size_t batch_bytes);
  void publish() noexcept;
  bool ring_is_empty() const noexcept;
  void plan_sync(std::int64_t now_ns) noexcept;

  RingView& ring_;
  std::unique_ptr<TailWriter> writer_;
  std::vector<std::byte> batch_;      // Verified frames on their way from the ring to the tail.
  std::uint64_t taken_ = 0;           // Ring offset up to which the tail writer has the frames.
  std::uint64_t freed_ = 0;           // Ring offset up to which an earlier keeper gave the space back.
  std::uint64_t lost_sequence_ = 0;   // Last record that it had written and that the tails no longer hold; 0: none.
  std::uint64_t recorded_drops_ = 0;  // Named in gap records.
  std::int64_t round_ns_ = 0;         // When the last round began.
  std::int64_t wait_ns_ = 0;          // Until the next one.
  std::uint32_t seen_doorbell_ = 0;
  bool has_finish_ = false;
  bool has_new_data_ = false;
  bool force_sync_ = false;
  bool end_appended_ = false;
  bool done_ = false;
  bool ending_ = false;
  std::optional<Death> death_;
  std::vector<SignalSeen> signals_;
  std::int64_t next_heartbeat_ns_ = 0;
  std::int64_t sync_interval_ns_ = 0;
  std::int64_t next_sync_ns_ = 0;
  std::uint32_t jitter_ = 0;         // State of the jitter's generator.
  std::uint32_t failure_count_ = 0;  // In a row.
  Status last_failure_;
  std::int64_t retry_at_ns_ = 0;
};

}  // namespace wb
