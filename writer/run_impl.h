// Run::Impl: what a run is made of, in the process that opened it and in forked children.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "wb/run.h"
#include "writer/channel.h"
#include "writer/fork_page.h"
#include "writer/run_fields.h"
#include "writer/secrets.h"
#include "writer/settings.h"

namespace wb {

class Run::Impl {
 public:
  static Result<std::unique_ptr<Impl>> open(const Options& options);
  ~Impl();

  /// This process's channel; in a forked child the first call opens one. Null: the child could not open one, or the
  /// run had ended before the fork.
  Channel* channel() noexcept {
    if (page_.is_ready()) [[likely]] {
      return channel_.get();
    }
    return channel_in_child();
  }

  /// The same, but in a child that has logged nothing: null.
  Channel* own_channel() const noexcept { return page_.is_ready() ? channel_.get() : nullptr; }

  /// A map record with keys of the environment redacted.
  Status add_map(Kind kind, std::span<const Metric> entries);
  Status define_metric(const MetricDefinition& definition);
  Status update_run(std::span<const Metric> fields);
  Status finish(std::int32_t exit_code, std::uint8_t flags);
  void count_refused() noexcept { refused_count_.fetch_add(1, std::memory_order_relaxed); }
  Counts counts() const noexcept;

  const Settings& settings() const noexcept { return settings_; }
  const RunFields& fields() const noexcept { return fields_; }
  const std::string& directory() const noexcept { return directory_; }
  const std::string& journal() const noexcept { return journal_stem_; }
  /// In a child that has logged nothing: the parent's, as it was at the fork.
  std::int64_t step() const noexcept { return channel_ ? channel_->producer().step() : 0; }

 private:
  Impl(Settings settings, RunFields fields, const Redactor& redactor, KeeperChoice keeper, ForkPage page);
  /// Opens a channel under a new uuid, with the run record and `config` in it; makes it this process's.
  Status open_channel(std::size_t ring_bytes, const Uuid* parent, std::span<const Metric> config);
  Status add_redacted(Producer& producer, Kind kind, std::span<const Metric> entries) const;
  Channel* channel_in_child() noexcept;
  Status open_in_child();

  const Settings settings_;
  const Redactor redactor_;
  const KeeperChoice keeper_;
  RunFields fields_;  // Of this process; changed by open_channel() only.
  std::string directory_;
  std::string journal_stem_;
  Uuid journal_;
  ForkPage page_;  // Release: publishes channel_ and the fields in a child.
  std::unique_ptr<Channel> channel_;
  Channel* inherited_ = nullptr;                 // Of the parent process. Never used, never deleted.
  std::atomic<bool> has_finished_{false};        // Stored by finish(); a child inherits it.
  std::atomic<std::uint64_t> refused_count_{0};  // Rows that met no channel.
};

}  // namespace wb
