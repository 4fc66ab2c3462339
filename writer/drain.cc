// The round of a keeper. Invariant: ring space is given back only for frames that a write() has taken (A1).
#include "writer/drain.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "schema/record.h"
#include "writer/clock.h"

namespace wb {
namespace {

constexpr std::size_t kBatchBytes = 256U << 10;  // A trainer at a full ring waits for less than one batch.
constexpr std::size_t kLongBatchBytes = 2 * frame_bytes(kFramePayloadBytesMax);  // Where one frame is longer.
constexpr std::int64_t kRoundNs = 10'000'000;
constexpr std::int64_t kBusyRoundNs = 100'000;
constexpr std::uint64_t kRoundsPerRing = 8;
constexpr std::int64_t kHeartbeatNs = 10'000'000'000;
constexpr std::int64_t kLocalSyncNs = 1'000'000'000;
constexpr std::int64_t kNetworkSyncNs = 5'000'000'000;
constexpr std::int64_t kFirstRetryNs = 100'000'000;
constexpr std::int64_t kLastRetryNs = 5'000'000'000;

std::vector<std::byte> map_payload(std::span<const Metric> entries) {
  std::vector<std::byte> payload(map_bytes(entries));
  encode_map(payload.data(), entries);
  return payload;
}

}  // namespace

bool sync_due(const SyncFacts& facts) noexcept {
  if (facts.undurable_bytes == 0) return false;
  if (facts.requested || facts.undurable_bytes >= kUndurableBytesMax) return true;
  return facts.has_new_data && facts.now_ns >= facts.next_sync_ns;
}

std::int64_t retry_wait_ns(std::uint32_t failure_count) noexcept {
  return std::min(kLastRetryNs, kFirstRetryNs << std::min(failure_count - 1, 10U));
}

std::int64_t round_wait_ns(std::uint64_t taken_bytes, std::int64_t elapsed_ns, std::uint64_t ring_bytes) noexcept {
  if (taken_bytes == 0) return kRoundNs;
  const double eighths = static_cast<double>(ring_bytes / kRoundsPerRing) / static_cast<double>(taken_bytes);
  const double wait_ns = static_cast<double>(std::max(elapsed_ns, std::int64_t{0})) * eighths;
  return wait_ns >= kRoundNs ? kRoundNs : std::max(kBusyRoundNs, static_cast<std::int64_t>(wait_ns));
}

Result<std::unique_ptr<Drain>> Drain::open(RingView& ring, std::size_t tail_bytes_max) {
  std::optional<std::uint64_t> durable_before_failure;
  if (ring.keeper().state.load(std::memory_order_acquire) == KeeperState::kFailing) {
    durable_before_failure = ring.keeper().durable_sequence.load(std::memory_order_acquire);
  }
  auto writer =
      TailWriter::open({ring.directory(), ring.stem(), ring.journal()}, tail_bytes_max, durable_before_failure);
  if (!writer.ok()) return writer.status();
  std::unique_ptr<Drain> drain(new Drain(ring, std::move(writer).value()));
  ring.report(KeeperState::kReady, Code::kOk, "");
  return drain;
}

Drain::Drain(RingView& ring, std::unique_ptr<TailWriter> writer) : ring_(ring), writer_(std::move(writer)) {
  RingKeeper& keeper = ring_.keeper();
  const TailsFound& found = writer_->found();
  // The ring's own words are hints: an earlier keeper may have died between the write and the store.
  taken_ = freed_ = keeper.tail.load(std::memory_order_acquire);
#ifdef WB_MUTANT_KEEPER_RESTART_SKIPS_RING
  taken_ = freed_ = ring_.producer().head.load(std::memory_order_acquire);
#endif
  look_back(keeper.written_sequence.load(std::memory_order_relaxed));
  recorded_drops_ = std::max(keeper.dropped_recorded.load(std::memory_order_relaxed), found.gap_total);
  keeper.dropped_recorded.store(recorded_drops_, std::memory_order_release);
  keeper.written_sequence.store(found.last_sequence, std::memory_order_release);
  keeper.durable_sequence.store(found.last_sequence, std::memory_order_release);
  has_finish_ = found.has_finish;
  done_ = found.has_end && !writer_->healthy();
  jitter_ = ring_.journal().salt() | 1;
  sync_interval_ns_ = ring_.identity().sync_interval_ms * std::int64_t{1'000'000};
  const std::int64_t now_ns = monotonic_ns();
  next_heartbeat_ns_ = now_ns;
  round_ns_ = now_ns;
  wait_ns_ = kRoundNs;
  plan_sync(now_ns);
}

/// The storage may have lost what an earlier keeper wrote and did not sync. Most of it still lies in the ring, in space
/// that was given back and that the trainer has not used again.
void Drain::look_back(std::uint64_t written_sequence) noexcept {
  if (!writer_->healthy() || written_sequence <= writer_->last_sequence()) return;
  lost_sequence_ = written_sequence;
  taken_ = 0;  // move_records() knows how far back the ring reaches.
}

bool Drain::ring_is_empty() const noexcept {
  return ring_.producer().head.load(std::memory_order_acquire) == taken_;
}

void Drain::begin_end(std::optional<Death> death) {
  ending_ = true;
  death_ = std::move(death);
}

Status Drain::round() {
  if (done_) return {};
  const std::int64_t now_ns = monotonic_ns();
  seen_doorbell_ = ring_.producer().doorbell.load(std::memory_order_acquire);
  if (failure_count_ > 0 && now_ns < retry_at_ns_) return last_failure_;
  const std::uint64_t taken_before = taken_;
  Status status = attempt(now_ns);
  wait_ns_ = round_wait_ns(taken_ - taken_before, now_ns - std::exchange(round_ns_, now_ns), ring_.data_bytes());
  if (!status.ok()) {
    retry_at_ns_ = monotonic_ns() + retry_wait_ns(++failure_count_);
    ring_.report(KeeperState::kFailing, status.code(), status.message());
    last_failure_ = status;
  } else if (failure_count_ > 0) {
    failure_count_ = 0;
    ring_.report(KeeperState::kReady, Code::kOk, "");
  }
  return status;
}

/// The decision: what a round does, and in which order.
Status Drain::attempt(std::int64_t now_ns) {
  // Read before the head: what was accepted before the request is then covered by this round's sync.
  const std::uint64_t request = ring_.producer().sync_request.load(std::memory_order_acquire);
  if (!writer_->healthy()) {
    if (Status status = writer_->recover(); !status.ok()) return status;
    publish();
  }
  // Where the ring's offsets are overwritten, all but taking records goes on, and the journal can still be ended.
  Status moved = move_records();
  if (!moved.ok() && moved.code() != Code::kCorrupt) return moved;
  if (Status status = record_signals(); !status.ok()) return status;
  if (Status status = record_gap(); !status.ok()) return status;
  if (Status status = ending_ ? record_end() : record_heartbeat(now_ns); !status.ok()) return status;
  const bool asked = request != ring_.keeper().synced_request.load(std::memory_order_relaxed);
  if (sync_due({.undurable_bytes = writer_->undurable_bytes(),
                .has_new_data = has_new_data_,
                .requested = asked || force_sync_ || ending_,
                .now_ns = now_ns,
                .next_sync_ns = next_sync_ns_}) ||
      asked) {
    // What is still in the ring of a request's records is not covered.
    const std::uint64_t covered = moved.ok() ? request : ring_.keeper().synced_request.load(std::memory_order_relaxed);
    if (Status status = sync(covered); !status.ok()) return status;
  }
  if (end_appended_ && writer_->undurable_bytes() == 0) {
    writer_->close();
    done_ = true;
  }
  return done_ ? Status() : moved;
}

Status Drain::move_records() {
  const std::uint64_t head = ring_.producer().head.load(std::memory_order_acquire);
  if (head - std::max(taken_, freed_) > ring_.data_bytes() || (head & 7) != 0 || (freed_ & 7) != 0) {
    return {Code::kCorrupt, "the ring's offsets were overwritten; records can no longer be taken from it"};
  }
  if (head - taken_ > ring_.data_bytes()) taken_ = head - ring_.data_bytes();
  while (taken_ != head) {
    if (Status status = writer_->rotate_if_full(); !status.ok()) return status;
    const std::uint64_t taken_before = taken_;
    if (Status status = take_batch(head, kBatchBytes); !status.ok()) return status;
    if (taken_ == taken_before) {  // A frame longer than the batch.
      if (Status status = take_batch(head, kLongBatchBytes); !status.ok()) return status;
    }
    if (writer_->undurable_bytes() < kUndurableBytesMax) continue;
    if (Status status = sync(ring_.keeper().synced_request.load(std::memory_order_relaxed)); !status.ok())
      return status;
  }
  ring_.keeper().last_advance_ns.store(monotonic_ns(), std::memory_order_release);
  return {};
}

/// Takes the whole frames in the next `batch_bytes`; none if the first is longer, below kLongBatchBytes. They are
/// checked in the private copy: the trainer can still write into the ring.
Status Drain::take_batch(std::uint64_t head, std::size_t batch_bytes) {
  // Behind `freed_` the trainer writes: a frame with a later number than those lost is one of its new ones.
  const bool is_again = taken_ < freed_;
  const std::uint64_t sequence_max = is_again ? lost_sequence_ : UINT64_MAX;
  const std::size_t available = (is_again ? freed_ : head) - taken_;
  const auto source = ring_.bytes(taken_, std::min(available, batch_bytes));
  batch_.assign(source.begin(), source.end());
  std::uint64_t last_sequence = writer_->last_sequence();
  std::size_t at = 0;
  std::size_t kept_bytes = 0;
  while (at < batch_.size()) {
    const std::size_t left = batch_.size() - at;
    const auto frame = read_frame(std::span(batch_).subspan(at), ring_.journal().salt());
    if (!frame.ok()) {
      const bool is_cut = frame.status().code() == Code::kTruncated && batch_.size() < available;
      if (is_cut && left < frame_bytes(kFramePayloadBytesMax)) break;  // By us: the next batch begins with it.
      at += 8;  // Overwritten by the program: on to the next frame that verifies. The missing number tells.
      continue;
    }
    const std::size_t bytes = frame_bytes(frame.value().payload.size());
    // A number that is in the tails already was written by an earlier keeper, which died before it freed the space.
    if (frame.value().source == Source::kTrainer && frame.value().sequence > last_sequence &&
        frame.value().sequence <= sequence_max) {
      last_sequence = frame.value().sequence;
      has_finish_ = has_finish_ || frame.value().kind == Kind::kFinish;
      std::memmove(batch_.data() + kept_bytes, batch_.data() + at, bytes);
      kept_bytes += bytes;
    }
    at += bytes;
  }
  taken_ += std::min(at, batch_.size());
#ifdef WB_MUTANT_FREE_BEFORE_WRITE
  publish();
#endif
  has_new_data_ = has_new_data_ || kept_bytes > 0;
  if (kept_bytes > 0) {
    if (Status status = writer_->append(std::span(batch_).first(kept_bytes)); !status.ok()) return status;
  }
  publish();
  return {};
}

/// A1 for all frames up to `taken_` and all gap records: that space may be overwritten.
void Drain::publish() noexcept {
  RingKeeper& keeper = ring_.keeper();
  keeper.written_sequence.store(writer_->last_sequence(), std::memory_order_release);
  keeper.durable_sequence.store(writer_->durable_sequence(), std::memory_order_release);
  keeper.dropped_recorded.store(recorded_drops_, std::memory_order_release);
  keeper.last_advance_ns.store(monotonic_ns(), std::memory_order_release);
  keeper.tail.store(std::max(taken_, freed_), std::memory_order_release);
  keeper.progress.fetch_add(1, std::memory_order_release);
}

Status Drain::record_signals() {
  while (!signals_.empty()) {
    const SignalSeen signal = signals_.front();
    signals_.erase(signals_.begin());
    const Timestamp now = timestamp_now();
    const Metric entries[] = {{"signal", signal.signal},
                              {"sender_pid", signal.sender_pid},
                              {"sender_uid", signal.sender_uid},
                              {"mono_ns", now.mono_ns},
                              {"wall_offset_us", now.wall_offset_us}};
    force_sync_ = true;
    if (Status status = writer_->append_record(Kind::kSignal, map_payload(entries)); !status.ok()) return status;
  }
  return {};
}

Status Drain::record_gap() {
  RingProducer& producer = ring_.producer();
  const std::uint64_t total = producer.dropped_count.load(std::memory_order_acquire);
  if (total <= recorded_drops_) return {};
  const Timestamp now = timestamp_now();
  // "total" tells a later keeper which drops are named, even if this one dies before the store below.
  const Metric entries[] = {{"count", static_cast<std::int64_t>(total - recorded_drops_)},
                            {"first_step", producer.dropped_first_step.load(std::memory_order_relaxed)},
                            {"last_step", producer.dropped_last_step.load(std::memory_order_relaxed)},
                            {"total", static_cast<std::int64_t>(total)},
                            {"mono_ns", now.mono_ns},
                            {"wall_offset_us", now.wall_offset_us}};
  recorded_drops_ = total;
  has_new_data_ = true;
  if (Status status = writer_->append_record(Kind::kGap, map_payload(entries)); !status.ok()) return status;
  publish();
  return {};
}

Status Drain::record_heartbeat(std::int64_t now_ns) {
  if (now_ns < next_heartbeat_ns_) return {};
  next_heartbeat_ns_ = now_ns + kHeartbeatNs;
  std::array<std::byte, kHeartbeatRecordBytes> payload;
  encode_heartbeat(payload.data(), {timestamp_now(), writer_->last_sequence()});
  return writer_->append_record(Kind::kHeartbeat, payload);
}

Status Drain::record_end() {
  if (end_appended_) return {};
  end_appended_ = true;
  Status status;
  if (death_ && !has_finish_ && !writer_->found().has_death) {
    const Timestamp now = timestamp_now();
    std::vector<Metric> entries = {
        {"mono_ns", now.mono_ns}, {"wall_offset_us", now.wall_offset_us}, {"reason", std::string_view(death_->reason)}};
    if (death_->exit_code) entries.push_back({"exit_code", *death_->exit_code});
    if (death_->signal) entries.push_back({"signal", *death_->signal});
    status = writer_->append_record(Kind::kDeath, map_payload(entries));
    // The end must stand behind the death: if that went into no tail yet, come back for the end.
    if (!status.ok()) {
      death_.reset();
      end_appended_ = false;
      return status;
    }
  }
  std::array<std::byte, 8> end{};
  end[0] = std::byte{1};
  return writer_->append_record(Kind::kTailEnd, end);
}

Status Drain::sync(std::uint64_t request) {
  if (Status status = writer_->sync(); !status.ok()) return status;
  RingKeeper& keeper = ring_.keeper();
  keeper.durable_sequence.store(writer_->durable_sequence(), std::memory_order_release);
  has_new_data_ = force_sync_ = false;
  plan_sync(monotonic_ns());
  keeper.progress.fetch_add(1, std::memory_order_release);
  if (keeper.synced_request.exchange(request, std::memory_order_release) != request) ring_.wake_trainer();
  return {};
}

/// The next sync by time. On a network file system the interval varies by a fifth, so that the ranks of a job do not
/// call their server at once.
void Drain::plan_sync(std::int64_t now_ns) noexcept {
  if (sync_interval_ns_ > 0) {
    next_sync_ns_ = now_ns + sync_interval_ns_;
  } else if (!writer_->is_network()) {
    next_sync_ns_ = now_ns + kLocalSyncNs;
  } else {
    jitter_ = jitter_ * 1'664'525 + 1'013'904'223;
    const auto fifth = static_cast<std::int64_t>(jitter_ >> 8) * (2 * kNetworkSyncNs / 5) >> 24;
    next_sync_ns_ = now_ns + kNetworkSyncNs * 4 / 5 + fifth;
  }
}

}  // namespace wb
