// A target for engine tests: keeps lines by offset like the server, checks what must never happen, fails on order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/sinks/sink.h"
#include "sync/sinks/wandb_body.h"

namespace wb::test {

/// Thrown to leave the engine at a chosen place, as a SIGKILL would: nothing of it runs any more.
struct Killed {};

/// What the server has of one run.
struct RemoteState {
  std::vector<std::string> lines;
  std::string summary, config;
  std::optional<int> exit_code;
  int changed_lines = 0;  ///< Lines that came again with other bytes.
  int skipped_lines = 0;  ///< Lines that were left out.
  int repeated_lines = 0;
  int deliveries = 0;
  int upserts = 0;
};

/// What happens at a boundary: a request about to be applied, or applied and not answered yet.
enum class Moment { kBeforeRequest, kAfterRequest };
struct Boundary {
  Moment moment = Moment::kBeforeRequest;
  int index = 0;  ///< Counts from 0 over both moments.
};

class FakeServer {
 public:
  std::map<std::string, RemoteState> runs;
  /// Called at each boundary; may throw Killed, or return a failure that the engine then sees.
  std::function<Status(const Boundary&)> at_boundary;
  /// Refuses deliveries for good for which it is true.
  std::function<bool(const Delivery&)> refuses;
  std::optional<std::int64_t> retry_after_ms;
  int boundary_count = 0;
  int request_count = 0;

  Status pass(Moment moment) {
    const Boundary boundary{.moment = moment, .index = boundary_count++};
    return at_boundary ? at_boundary(boundary) : Status();
  }

  void apply(const RunModel& model, const Delivery& delivery) {
    RemoteState& run = runs[model.id];
    ++run.deliveries;
    if (delivery.lines != nullptr) {
      if (delivery.history_offset > run.lines.size()) ++run.skipped_lines;
      for (std::size_t i = 0; i < delivery.lines->size(); ++i) {
        const std::size_t at = delivery.history_offset + i;
        if (at < run.lines.size()) {
          ++(run.lines[at] == delivery.lines->at(i) ? run.repeated_lines : run.changed_lines);
        } else {
          run.lines.resize(at + 1);
        }
        run.lines[at] = delivery.lines->at(i);
      }
    }
    if (delivery.with_summary) run.summary = wandb_summary(model);
    if (delivery.with_end) run.exit_code = model.exit_code;
  }
};

class FakeSink final : public Sink {
 public:
  explicit FakeSink(FakeServer& server) : server_(server) {}
  std::string name() const override { return "fake"; }

  Result<RemoteRun> upsert_run(const RunModel& run) override {
    ++server_.request_count;
    if (Status status = server_.pass(Moment::kBeforeRequest); !status.ok()) return status;
    const bool inserted = !server_.runs.contains(run.id);
    RemoteState& remote = server_.runs[run.id];
    ++remote.upserts;
    remote.config = wandb_config(run, "test");
    if (Status status = server_.pass(Moment::kAfterRequest); !status.ok()) return status;
    return RemoteRun{.entity = "ent", .history_line_count = remote.lines.size(), .inserted = inserted};
  }

  Status deliver(const RunModel& run, const RemoteRun& remote, const Delivery& delivery) override {
    ++server_.request_count;
    EXPECT_EQ(remote.entity, "ent");
    if (Status status = server_.pass(Moment::kBeforeRequest); !status.ok()) return status;
    if (server_.refuses && server_.refuses(delivery)) return {Code::kRejected, "refused"};
    server_.apply(run, delivery);
    return server_.pass(Moment::kAfterRequest);
  }

  std::optional<std::int64_t> retry_after_ms() const override { return server_.retry_after_ms; }

 private:
  FakeServer& server_;
};

/// A clock that does not wait: waits are added up.
class FakeClock final : public Clock {
 public:
  std::chrono::milliseconds now() const override { return time; }
  bool wait(std::chrono::milliseconds duration) override {
    time += duration;
    return !is_interrupted;
  }
  bool interrupted() const override { return is_interrupted; }

  std::chrono::milliseconds time{0};
  bool is_interrupted = false;
};

}  // namespace wb::test
