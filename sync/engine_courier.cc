// Requests repeated by the retry policy. A request is repeated as it was: same offsets, same bytes.
#include "sync/engine_courier.h"

#include <string>

namespace wb {
namespace {

using std::chrono::milliseconds;

Status interrupted_status() {
  return {Code::kClosed, "interrupted; run wbsync again to go on"};
}

}  // namespace

Status TargetGate::check() const {
  const std::scoped_lock lock(mutex_);
  return reason_;
}

void TargetGate::stop(const Status& reason) {
  const std::scoped_lock lock(mutex_);
  if (reason_.ok()) reason_ = reason;
}

void TargetGate::note_success(milliseconds now) {
  const std::scoped_lock lock(mutex_);
  last_success_ = std::max(last_success_, now);
}

bool TargetGate::succeeded_since(milliseconds time) const {
  const std::scoped_lock lock(mutex_);
  return last_success_ >= time;
}

// What a failure that no retry helps means for the other runs.
Status Courier::judge(const Status& failure, bool is_upsert) {
  const bool is_target_wide = failure.code() == Code::kUnauthorized || failure.code() == Code::kPermission ||
                              failure.code() == Code::kClosed || (failure.code() == Code::kNotFound && is_upsert);
  if (is_target_wide) gate_.stop(failure);
  return failure;
}

template <typename Call>
Status Courier::attempt(const Call& call, bool is_upsert) {
  const milliseconds start = clock_.now();
  FailedAttempt failed;
  for (;; ++failed.attempt) {
    if (Status reason = gate_.check(); !reason.ok()) return reason;
    if (clock_.interrupted()) return judge(interrupted_status(), is_upsert);
    const Status status = call();
    if (status.ok()) {
      gate_.note_success(clock_.now());
      return status;
    }
    if (clock_.interrupted()) return judge(interrupted_status(), is_upsert);
    if (status.code() != Code::kUnavailable) return judge(status, is_upsert);
    failed.elapsed = clock_.now() - start - failed.asked;
    failed.retry_after.reset();
    if (const auto asked = sink_.retry_after_ms(); asked.has_value()) failed.retry_after = milliseconds(*asked);
    failed.random = random_();
    const auto wait = next_wait(policy_, failed);
    if (!wait.has_value()) {
      const Status given_up(Code::kUnavailable,
                            status.message() + " (tried " + std::to_string(failed.attempt) + " times)");
      if (!gate_.succeeded_since(start)) gate_.stop(given_up);
      return given_up;
    }
    if (failed.retry_after.has_value()) failed.asked += *wait;
    if (!clock_.wait(*wait)) return judge(interrupted_status(), is_upsert);
  }
}

Result<RemoteRun> Courier::upsert_run(const RunModel& run) {
  RemoteRun remote;
  const Status status = attempt(
      [&] {
        Result<RemoteRun> result = sink_.upsert_run(run);
        if (result.ok()) remote = std::move(result).value();
        return result.status();
      },
      true);
  if (!status.ok()) return status;
  return remote;
}

Status Courier::deliver(const RunModel& run, const RemoteRun& remote, const Delivery& delivery) {
  return attempt([&] { return sink_.deliver(run, remote, delivery); }, false);
}

}  // namespace wb
