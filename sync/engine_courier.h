// Courier: one thread's requests to a target, repeated by the retry policy; and the gate that stops all couriers.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>

#include "sync/interrupt.h"
#include "sync/retry.h"
#include "sync/sinks/sink.h"

namespace wb {

/// What all couriers of a target share: whether it is worth asking it at all. Thread-safe.
class TargetGate {
 public:
  /// Ok, or why nothing more is sent to the target in this call.
  Status check() const;
  /// The first reason stays.
  void stop(const Status& reason);
  void note_success(std::chrono::milliseconds now);
  bool succeeded_since(std::chrono::milliseconds time) const;

 private:
  mutable std::mutex mutex_;
  Status reason_;
  std::chrono::milliseconds last_success_{-1};
};

/// Belongs to one thread.
class Courier {
 public:
  Courier(Sink& sink, TargetGate& gate, Clock& clock, const RetryPolicy& policy, std::function<double()> random)
      : sink_(sink), gate_(gate), clock_(clock), policy_(policy), random_(std::move(random)) {}

  /// As the sink's, after as many attempts as the policy allows. kUnavailable: given up; kClosed: interrupted.
  /// The gate is closed when the key was refused, the address is wrong, or nobody had a success meanwhile.
  Result<RemoteRun> upsert_run(const RunModel& run);
  Status deliver(const RunModel& run, const RemoteRun& remote, const Delivery& delivery);

 private:
  template <typename Call>
  Status attempt(const Call& call, bool is_upsert);
  Status judge(const Status& failure, bool is_upsert);

  Sink& sink_;
  TargetGate& gate_;
  Clock& clock_;
  const RetryPolicy& policy_;
  std::function<double()> random_;
};

}  // namespace wb
