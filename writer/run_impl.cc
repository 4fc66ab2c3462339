// Opening a run, in the first process and in its forked children.
#include "writer/run_impl.h"

#include <unistd.h>

#include <array>
#include <thread>

#include "schema/journal_name.h"
#include "schema/limits.h"
#include "writer/process_facts.h"
#include "writer/random.h"

namespace wb {
namespace {

constexpr std::chrono::milliseconds kOpenWait{250};

Redactor read_secrets() {
  return Redactor(process_environment());
}

}  // namespace

Run::Impl::Impl(Settings settings, RunFields fields, const Redactor& redactor, KeeperChoice keeper, ForkPage page)
    : settings_(std::move(settings)),
      redactor_(redactor),
      keeper_(std::move(keeper)),
      fields_(std::move(fields)),
      directory_(settings_.directory + "/" + run_id_for_files(settings_.id)),
      page_(std::move(page)) {}

Result<std::unique_ptr<Run::Impl>> Run::Impl::open(const Options& options) {
  auto random_id = random_run_id();
  if (!random_id.ok()) return random_id.status();
  auto settings = resolve_settings(options, process_environment(), random_id.value(), working_directory());
  if (!settings.ok()) return settings.status();
  std::vector<Metric> config;
  for (const auto& [name, json] : options.config) {
    config.push_back({name, Value::json(json)});
    // Looked at before anything is made: an open that fails leaves no file behind.
    if (map_bytes(std::span(&config.back(), 1)) > kFramePayloadBytesMax) {
      return Status(Code::kInvalidArgument, "config '" + name.substr(0, 80) + "' is longer than 272 KiB");
    }
  }
  auto page = ForkPage::create();
  if (!page.ok()) return page.status();
  RunFields fields = run_fields(settings.value(), options);
  KeeperChoice keeper{settings.value().keeper, find_keeper(settings.value().keeper_path, environ)};
  std::unique_ptr<Impl> impl(new Impl(std::move(settings).value(), std::move(fields), read_secrets(), std::move(keeper),
                                      std::move(page).value()));
  impl->page_.claim();
  if (Status status = impl->open_channel(impl->settings_.ring_bytes, nullptr, config); !status.ok()) return status;
  if (Status status = impl->channel_->await_keeper(kOpenWait); !status.ok()) return status;
  impl->channel_->prefault();
  impl->page_.settle(ForkPage::State::kReady);
  return impl;
}

Status Run::Impl::open_channel(std::size_t ring_bytes, const Uuid* parent, std::span<const Metric> config) {
  auto uuid = random_uuid();
  if (!uuid.ok()) return uuid.status();
  journal_ = uuid.value();
  journal_stem_ = journal_stem(settings_.id, settings_.identity.rank.value_or(0), settings_.identity.attempt, journal_);
  set_process_fields(fields_, journal_, parent);
  const RingRequest ring{.journal = journal_,
                         .data_bytes = ring_bytes,
                         .directory = directory_,
                         .stem = journal_stem_,
                         .sync_interval_ms = settings_.sync_interval_ms};
  const std::vector<Metric> fields = fields_.entries();
  const auto publish = [&](Producer& producer) {
    Status status = add_redacted(producer, Kind::kRun, fields);
    if (status.ok()) status = add_redacted(producer, Kind::kConfig, config);
    if (status.code() != Code::kFull) return status;
    return Status(Code::kInvalidArgument,
                  "settings and config are larger than the ring; set WB_RING_BYTES, or call update_config() later");
  };
  auto channel = Channel::open(ring, keeper_, settings_.wait_when_full_ms, publish);
  if (!channel.ok()) return channel.status();
  channel_ = std::move(channel).value();
  return {};
}

Run::Impl::~Impl() {
  // A child that never logged has none of the parent's mappings, threads or locks to take down.
  if (!page_.is_ready()) {
    [[maybe_unused]] const Channel* of_the_parent =
        page_.state() == ForkPage::State::kFresh ? channel_.release() : nullptr;
  }
}

Channel* Run::Impl::channel_in_child() noexcept {
  if (has_finished_.load(std::memory_order_acquire)) return nullptr;
  if (page_.claim()) {
    bool is_open = false;
    try {
      const Status status = open_in_child();
      is_open = status.ok();
      if (!is_open) say("a forked process cannot log: " + status.message());
    } catch (const std::exception&) {  // The child goes on without a journal, its rows are counted.
      say("a forked process cannot log: out of memory");
    }
    page_.settle(is_open ? ForkPage::State::kReady : ForkPage::State::kFailed);
  }
  // A signal handler that interrupted the opening would wait for itself: its row is refused and counted.
  while (page_.state() == ForkPage::State::kOpening && !page_.is_opened_by_this_thread()) std::this_thread::yield();
  return page_.is_ready() ? channel_.get() : nullptr;
}

Status Run::Impl::open_in_child() {
  // Null where the parent is a forked child itself and had no channel: then the one that it inherited.
  if (channel_) {
    inherited_ = channel_.get();
    [[maybe_unused]] const Channel* of_the_parent = channel_.release();
  }
  inherited_->abandon();
  refused_count_.store(0, std::memory_order_relaxed);
  const Uuid parent = journal_;
  const Producer& before = inherited_->producer();
  if (Status status = open_channel(kRingBytesMin, &parent, {}); !status.ok()) return status;
  channel_->producer().inherit(before.keys().names_at_fork(), before.step());
  // The child may end any moment: it waits until somebody else can complete its journal.
  channel_->await_launch(kOpenWait);
  channel_->prefault();
  return {};
}

Status Run::Impl::add_map(Kind kind, std::span<const Metric> entries) {
  Channel* const channel = this->channel();
  if (channel == nullptr) return {Code::kClosed, "the run has ended"};
  return add_redacted(channel->producer(), kind, entries);
}

Status Run::Impl::add_redacted(Producer& producer, Kind kind, std::span<const Metric> entries) const {
  const RedactedEntries redacted(redactor_, entries);
  if (redacted.redacted_count() > 0) {
    say(std::to_string(redacted.redacted_count()) + " value(s) equal to an API key of the environment were redacted");
  }
  return producer.add_map(kind, redacted.entries());
}

Status Run::Impl::define_metric(const MetricDefinition& definition) {
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
  return add_map(Kind::kMetric, std::span(entries).first(count));
}

Status Run::Impl::update_run(std::span<const Metric> fields) {
  for (const Metric& field : fields) {
    bool is_known = false;
    for (const std::string_view name : {"name", "notes", "tags", "group", "job_type"}) is_known |= field.name == name;
    if (!is_known) {
      return {Code::kInvalidArgument, "update_run: '" + std::string(field.name.substr(0, 80)) + "' cannot be changed"};
    }
  }
  return add_map(Kind::kRun, fields);
}

Status Run::Impl::finish(std::int32_t exit_code, std::uint8_t flags) {
  Channel* const channel = own_channel();
  if (has_finished_.exchange(true, std::memory_order_acq_rel) || channel == nullptr) return {};
  Status status = channel->finish(exit_code, flags);
  if (status.code() == Code::kFull) has_finished_.store(false, std::memory_order_release);
  return status;
}

Counts Run::Impl::counts() const noexcept {
  const Channel* const channel = own_channel();
  Counts counts = channel != nullptr ? channel->producer().counts() : Counts{};
  counts.dropped += refused_count_.load(std::memory_order_relaxed);
  return counts;
}

}  // namespace wb
