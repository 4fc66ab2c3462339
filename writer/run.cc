// Run: the public face; each function finds this process's channel and asks it.
#include "wb/run.h"

#include <array>
#include <exception>

#include "schema/record.h"
#include "writer/run_impl.h"

namespace wb {
namespace {

Status no_memory(const char* where) {
  return {Code::kInternal, std::string(where) + ": out of memory"};
}

Status closed() {
  return {Code::kClosed, "the run has ended"};
}

}  // namespace

Run::Run(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Run>> Run::open(const Options& options) noexcept {
  try {
    auto impl = Impl::open(options);
    if (!impl.ok()) return impl.status();
    return std::unique_ptr<Run>(new Run(std::move(impl).value()));
  } catch (const std::bad_alloc&) {
    return no_memory("opening a run");
  }
}

Run::~Run() {
  // Nobody is left to tell; the keeper completes the journal, and 'wbsync' shows what happened to it.
  [[maybe_unused]] const Status status = impl_->finish(0, kFinishNoExitCode);
}

Result<Key> Run::key(std::string_view name) noexcept {
  Channel* const channel = impl_->channel();
  return channel != nullptr ? channel->producer().key(name) : closed();
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
  try {
    return impl_->add_map(Kind::kConfig, values);
  } catch (const std::bad_alloc&) {
    return no_memory("update_config");
  }
}

Status Run::update_summary(std::span<const Metric> values) noexcept {
  try {
    return impl_->add_map(Kind::kSummary, values);
  } catch (const std::bad_alloc&) {
    return no_memory("update_summary");
  }
}

Status Run::define_metric(const MetricDefinition& definition) noexcept {
  if (definition.name.empty()) return {Code::kInvalidArgument, "define_metric: the name is empty"};
  if (!definition.goal.empty() && definition.goal != "minimize" && definition.goal != "maximize") {
    return {Code::kInvalidArgument, "define_metric: the goal is minimize or maximize, not " + definition.goal};
  }
  std::array<Metric, 7> entries;
  std::size_t count = 0;
  entries[count++] = {"name", std::string_view(definition.name)};
  if (!definition.step_metric.empty()) entries[count++] = {"step_metric", std::string_view(definition.step_metric)};
  if (definition.step_sync) entries[count++] = {"step_sync", *definition.step_sync};
  if (definition.hidden) entries[count++] = {"hidden", true};
  if (!definition.summary.empty()) entries[count++] = {"summary", std::string_view(definition.summary)};
  if (!definition.goal.empty()) entries[count++] = {"goal", std::string_view(definition.goal)};
  if (definition.overwrite) entries[count++] = {"overwrite", true};
  try {
    return impl_->add_map(Kind::kMetric, std::span(entries).first(count));
  } catch (const std::bad_alloc&) {
    return no_memory("define_metric");
  }
}

Status Run::update_run(std::span<const Metric> fields) noexcept {
  for (const Metric& field : fields) {
    bool is_known = false;
    for (const std::string_view name : {"name", "notes", "tags", "group", "job_type"}) is_known |= field.name == name;
    if (!is_known) {
      return {Code::kInvalidArgument, "update_run: '" + std::string(field.name.substr(0, 80)) + "' cannot be changed"};
    }
  }
  try {
    return impl_->add_map(Kind::kRun, fields);
  } catch (const std::bad_alloc&) {
    return no_memory("update_run");
  }
}

Status Run::flush(std::chrono::milliseconds timeout) noexcept {
  Channel* const channel = impl_->own_channel();
  return channel != nullptr ? channel->flush(timeout) : Status();
}

Status Run::finish(std::int32_t exit_code) noexcept {
  return impl_->finish(exit_code, 0);
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
  return channel != nullptr ? channel->status() : Status();
}

}  // namespace wb
