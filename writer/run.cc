// Run: the public face; each function finds this process's channel and asks it.
#include "wb/run.h"

#include <array>
#include <exception>

#include "schema/record.h"
#include "writer/run_impl.h"

namespace wb {
namespace {

/// The call's result; a status where memory is short. Its text is so short that it needs none.
template <typename Call>
auto guarded(const Call& call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception&) {
    return Status(Code::kInternal, "out of memory");
  }
}

Status closed() {
  return {Code::kClosed, "the run has ended"};
}

}  // namespace

Run::Run(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Run>> Run::open(const Options& options) noexcept {
  return guarded([&]() -> Result<std::unique_ptr<Run>> {
    auto impl = Impl::open(options);
    if (!impl.ok()) return impl.status();
    return std::unique_ptr<Run>(new Run(std::move(impl).value()));
  });
}

Run::~Run() {
  // Nobody is left to tell; the keeper completes the journal, and 'wbsync' shows what happened to it.
  [[maybe_unused]] const Status status = guarded([&] { return impl_->finish(0, kFinishNoExitCode); });
}

Result<Key> Run::key(std::string_view name) noexcept {
  return guarded([&]() -> Result<Key> {
    Channel* const channel = impl_->channel();
    return channel != nullptr ? channel->producer().key(name) : closed();
  });
}

bool Run::log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept {
  if (Channel* const channel = impl_->channel()) [[likely]] {
    return channel->log(metrics, options);
  }
  impl_->count_refused();
  return false;
}

bool Run::try_log(std::span<const KeyMetric> metrics, const LogOptions& options) noexcept {
  Channel* const channel = impl_->channel();
  return channel != nullptr && channel->try_log(metrics, options);
}

bool Run::log(std::span<const Metric> metrics, const LogOptions& options) noexcept {
  if (Channel* const channel = impl_->channel()) [[likely]] {
    return channel->log(metrics, options);
  }
  impl_->count_refused();
  return false;
}

Status Run::update_config(std::span<const Metric> values) noexcept {
  return guarded([&] { return impl_->add_map(Kind::kConfig, values); });
}

Status Run::update_summary(std::span<const Metric> values) noexcept {
  return guarded([&] { return impl_->add_map(Kind::kSummary, values); });
}

Status Run::define_metric(const MetricDefinition& definition) noexcept {
  return guarded([&] { return impl_->define_metric(definition); });
}

Status Run::update_run(std::span<const Metric> fields) noexcept {
  return guarded([&] { return impl_->update_run(fields); });
}

Status Run::flush(std::chrono::milliseconds timeout) noexcept {
  Channel* const channel = impl_->own_channel();
  return channel != nullptr ? guarded([&] { return channel->flush(timeout); }) : Status();
}

Status Run::finish(std::int32_t exit_code) noexcept {
  return guarded([&] { return impl_->finish(exit_code, 0); });
}

const std::string& Run::id() const noexcept {
  return impl_->settings().id;
}
const std::string& Run::directory() const noexcept {
  return impl_->directory();
}
const std::string& Run::journal() const noexcept {
  return impl_->journal();
}
std::string Run::field(std::string_view name) const {
  return impl_->fields().text(name);
}
std::int64_t Run::step() const noexcept {
  return impl_->step();
}
Counts Run::counts() const noexcept {
  return impl_->counts();
}

Status Run::status() const noexcept {
  const Channel* const channel = impl_->own_channel();
  return channel != nullptr ? guarded([&] { return channel->status(); }) : Status();
}

}  // namespace wb
