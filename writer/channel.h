// A process's way into its journal: the ring, the producer and the keeper, from start to finish.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "wb/run.h"
#include "wb/status.h"
#include "writer/keeper_thread.h"
#include "writer/launch.h"
#include "writer/prefault.h"
#include "writer/producer.h"
#include "writer/ring.h"
#include "writer/warning.h"

namespace wb {

/// How a channel gets its keeper.
struct KeeperChoice {
  KeeperMode mode = KeeperMode::kAuto;
  KeeperProgram program;
};

/// Thread-safe. Each process has its own; a forked child abandons its parent's.
class Channel {
 public:
  /// Makes the ring, lets `publish` put the first records into it, and starts the keeper; waits for neither keeper nor
  /// journal. Whatever fails, fails before there is a keeper that makes files.
  static Result<std::unique_ptr<Channel>> open(const RingRequest& ring, const KeeperChoice& keeper,
                                               std::int64_t wait_when_full_ms,
                                               const std::function<Status(Producer&)>& publish);
  ~Channel();

  /// Waits for the keeper's first report. Ok if it is well or does not answer in time; its refusal otherwise, and
  /// the ring's name is removed then. Falls back to a thread if the program cannot be started and the mode is kAuto.
  Status await_keeper(std::chrono::milliseconds timeout);
  /// Waits until the keeper's process was started or could not be; for a process that may end at any moment.
  void await_launch(std::chrono::milliseconds timeout);

  /// Begins to bring the ring's memory in, so that log() meets no page fault. Once, when nobody waits any more: the
  /// processor time that it takes would delay the keeper's start.
  void prefault() noexcept {
    if (Prefault::is_possible()) prefault_.start(ring_.log_memory());
  }

  template <typename AnyMetric>
  bool log(std::span<const AnyMetric> metrics, const LogOptions& options) noexcept {
    const LogOutcome outcome = producer_.log(metrics, options);
    if (outcome.needs_attention) [[unlikely]] {
      attend(outcome.accepted);
    }
    return outcome.accepted;
  }

  /// As Run::try_log().
  bool try_log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept {
    const LogOutcome outcome = producer_.try_log(metrics, options);
    if (outcome.accepted && outcome.needs_attention) [[unlikely]] {
      attend(true);
    }
    return outcome.accepted;
  }

  Status flush(std::chrono::milliseconds timeout);
  /// Publishes the finish record and waits for the keeper as Run::finish() says.
  Status finish(std::int32_t exit_code, std::uint8_t flags);
  /// Ok, or the keeper's trouble: what it reports, or that it or its file system has been silent for seconds.
  Status status() const;

  Producer& producer() noexcept { return producer_; }
  const Producer& producer() const noexcept { return producer_; }
  /// In a forked child: closes the inherited descriptor. The channel is then never used and never destroyed, since
  /// its locks and threads are the parent's.
  void abandon() noexcept { ring_.abandon(); }

 private:
  Channel(Ring ring, const KeeperChoice& keeper, std::int64_t wait_when_full_ms);
  RingProducer& shared() noexcept { return ring_.header().producer; }
  const RingKeeper& keeper() const noexcept { return ring_.header().keeper; }
  KeeperState keeper_state() const noexcept { return keeper().state.load(std::memory_order_acquire); }

  void attend(bool accepted) noexcept;
  void warn(std::int64_t now_ns) noexcept;
  Status keeper_silence(std::int64_t now_ns) const;
  void revive_keeper() noexcept;
  Status start_keeper();
  Status start_thread(const std::string& why);
  Status replace_failed_launch();  // With keeper_mutex_ held.
  bool keeper_is_gone() noexcept;
  bool will_be_sealed() noexcept;
  std::uint64_t request_sync() noexcept;
  bool is_durable(std::uint64_t sequence) const noexcept;

  Ring ring_;
  Prefault prefault_;
  Producer producer_;
  const KeeperChoice choice_;
  WarningGate warning_;
  std::atomic<std::int64_t> next_revival_ns_{0};  // Stored by the thread that looks after the keeper.
  std::mutex keeper_mutex_;                       // Guards the two below.
  std::optional<Launch> launch_;
  std::unique_ptr<KeeperThread> thread_;
};

}  // namespace wb
