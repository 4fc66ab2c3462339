// The C ABI over wb::Run: one of the two places where exceptions end.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wb/run.h"
#include "wb/wb.h"

struct wb_run {
  std::unique_ptr<wb::Run> run;
};

namespace wb {
namespace {

constexpr std::size_t kFewMetrics = 16;
constexpr std::size_t kStackMetrics = 256;  // A longer row allocates.

thread_local std::array<char, 512> error_text{};

wb_status report(Code code, std::string_view message) noexcept {
  const std::size_t bytes = std::min(message.size(), error_text.size() - 1);
  std::memcpy(error_text.data(), message.data(), bytes);
  error_text[bytes] = '\0';
  return static_cast<wb_status>(code);
}

wb_status report(const Status& status) noexcept {
  return status.ok() ? WB_OK : report(status.code(), status.message());
}

wb_status invalid(std::string_view message) noexcept {
  return report(Code::kInvalidArgument, message);
}

/// Runs `work`, which returns a wb_status; whatever it throws becomes one.
template <typename Work>
wb_status guarded(const Work& work) noexcept {
  try {
    return work();
  } catch (const std::exception& error) {
    return report(Code::kInternal, error.what());
  } catch (...) {
    return report(Code::kInternal, "unknown exception");
  }
}

std::string text_or_empty(const char* text) {
  return text != nullptr ? text : std::string();
}

std::optional<std::int64_t> number_or_none(std::int64_t number) {
  return number != WB_UNSET ? std::optional(number) : std::nullopt;
}

/// The type must be one of wb_type; false otherwise.
bool convert(const wb_value& from, Value& to) noexcept {
  switch (from.type) {
    case WB_FLOAT64:
      to = Value(from.as.f64);
      return true;
    case WB_INT64:
      to = Value(from.as.i64);
      return true;
    case WB_UINT64:
      to = Value(from.as.u64);
      return true;
    case WB_BOOL:
      to = Value(from.as.boolean != 0);
      return true;
    case WB_STRING:
    case WB_JSON: {
      if (from.as.text == nullptr && from.text_bytes > 0) return false;
      const std::string_view text(from.as.text, from.text_bytes);
      to = from.type == WB_JSON ? Value::json(text) : Value(text);
      return true;
    }
    case WB_NULL:
      to = Value::null();
      return true;
    case WB_REMOVED:
      to = Value::removed();
      return true;
  }
  return false;
}

bool convert(double from, Value& to) noexcept {
  to = Value(from);
  return true;
}

bool convert(const char* from, std::string_view& to) noexcept {
  if (from == nullptr) return false;
  to = from;
  return true;
}

bool convert(std::uint32_t from, Key& to) noexcept {
  to.index = from;
  return true;
}

template <typename AnyMetric>
auto& name_of(AnyMetric& metric) noexcept {
  if constexpr (std::is_same_v<AnyMetric, Metric>) {
    return metric.name;
  } else {
    return metric.key;
  }
}

template <typename AnyMetric, typename AnyKey, typename AnyValue, typename Use>
wb_status fill_and_use(std::span<AnyMetric> metrics, const AnyKey* keys, const AnyValue* values, const Use& use) {
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    if (!convert(keys[i], name_of(metrics[i]))) return invalid("a key is NULL");
    if (!convert(values[i], metrics[i].value)) return invalid("a value has an unknown type or no text");
  }
  return use(std::span<const AnyMetric>(metrics));
}

/// Calls use(span of AnyMetric) with the pairs; on the stack unless there are many.
template <typename AnyMetric, typename AnyKey, typename AnyValue, typename Use>
wb_status with_metrics(const AnyKey* keys, const AnyValue* values, std::size_t count, const Use& use) {
  if (count > 0 && (keys == nullptr || values == nullptr)) return invalid("keys or values are NULL");
  if (count <= kFewMetrics) {
    std::array<AnyMetric, kFewMetrics> few;
    return fill_and_use(std::span<AnyMetric>(few).first(count), keys, values, use);
  }
  if (count <= kStackMetrics) {
    std::array<AnyMetric, kStackMetrics> some;
    return fill_and_use(std::span<AnyMetric>(some).first(count), keys, values, use);
  }
  std::vector<AnyMetric> many(count);
  return fill_and_use(std::span<AnyMetric>(many), keys, values, use);
}

template <typename AnyMetric, typename AnyKey, typename AnyValue>
wb_status log_row(wb_run* run, LogOptions options, const AnyKey* keys, const AnyValue* values, std::size_t count) {
  if (run == nullptr) return invalid("the run is NULL");
  return guarded([&] {
    return with_metrics<AnyMetric>(keys, values, count, [&](std::span<const AnyMetric> metrics) {
      return run->run->log(metrics, options) ? WB_OK : report(Code::kFull, "the row was dropped and counted");
    });
  });
}

LogOptions log_options(const wb_log_options* from) noexcept {
  LogOptions options;
  if (from == nullptr) return options;
  options.step = number_or_none(from->step);
  if (from->commit >= 0) options.commit = from->commit != 0;
  return options;
}

using Update = Status (Run::*)(std::span<const Metric>) noexcept;

wb_status update(wb_run* run, Update member, const char* const* keys, const wb_value* values, std::size_t count) {
  if (run == nullptr) return invalid("the run is NULL");
  return guarded([&] {
    return with_metrics<Metric>(keys, values, count, [&](std::span<const Metric> metrics) {
      return report((run->run.get()->*member)(metrics));
    });
  });
}

/// The caller's structure, with the fields that it does not know yet as wb_options_init() sets them.
template <typename Struct>
bool copy_known(const Struct& from, Struct& to) noexcept {
  if (from.size < sizeof from.size || from.size > sizeof to) return false;
  std::memcpy(&to, &from, from.size);
  return true;
}

Options convert(const wb_options& from) {
  Options to;
  to.project = text_or_empty(from.project);
  to.entity = text_or_empty(from.entity);
  to.group = text_or_empty(from.group);
  to.job_type = text_or_empty(from.job_type);
  to.name = text_or_empty(from.name);
  to.id = text_or_empty(from.id);
  to.notes = text_or_empty(from.notes);
  for (std::size_t i = 0; i < from.tag_count; ++i) to.tags.push_back(text_or_empty(from.tags[i]));
  for (std::size_t i = 0; i < from.config_count; ++i) {
    to.config.emplace_back(text_or_empty(from.config_keys[i]), text_or_empty(from.config_values[i]));
  }
  to.directory = text_or_empty(from.directory);
  to.rank = number_or_none(from.rank);
  to.world_size = number_or_none(from.world_size);
  to.attempt = number_or_none(from.attempt);
  to.ring_bytes = from.ring_bytes;
  if (from.keeper != WB_KEEPER_DEFAULT) to.keeper = static_cast<KeeperMode>(from.keeper - 1);
  to.keeper_path = text_or_empty(from.keeper_path);
  return to;
}

}  // namespace
}  // namespace wb

void wb_options_init(wb_options* options) {
  if (options == nullptr) return;
  *options = wb_options{};
  options->size = sizeof *options;
  options->rank = options->world_size = options->attempt = WB_UNSET;
}

wb_status wb_open(const wb_options* options, wb_run** run) {
  if (run == nullptr) return wb::invalid("the place for the run is NULL");
  *run = nullptr;
  return wb::guarded([&] {
    wb_options known;
    wb_options_init(&known);
    if (options != nullptr && !wb::copy_known(*options, known)) return wb::invalid("wb_options: unknown size");
    if (known.keeper > WB_KEEPER_THREAD) {
      return wb::invalid("wb_options: unknown keeper mode");
    }
    if ((known.tag_count > 0 && known.tags == nullptr) ||
        (known.config_count > 0 && (known.config_keys == nullptr || known.config_values == nullptr))) {
      return wb::invalid("wb_options: an array is NULL");
    }
    auto opened = wb::Run::open(wb::convert(known));
    if (!opened.ok()) return wb::report(opened.status());
    *run = new wb_run{std::move(opened).value()};
    return WB_OK;
  });
}

wb_status wb_log_f64(wb_run* run, int64_t step, const char* const* keys, const double* values, size_t count) {
  return wb::log_row<wb::Metric>(run, {.step = wb::number_or_none(step)}, keys, values, count);
}

wb_status wb_log(wb_run* run, const wb_log_options* options, const char* const* keys, const wb_value* values,
                 size_t count) {
  return wb::log_row<wb::Metric>(run, wb::log_options(options), keys, values, count);
}

wb_status wb_key(wb_run* run, const char* name, uint32_t* key) {
  if (run == nullptr || name == nullptr || key == nullptr) return wb::invalid("wb_key: an argument is NULL");
  return wb::guarded([&] {
    const auto interned = run->run->key(name);
    if (!interned.ok()) return wb::report(interned.status());
    *key = interned.value().index;
    return WB_OK;
  });
}

wb_status wb_log_keys_f64(wb_run* run, int64_t step, const uint32_t* keys, const double* values, size_t count) {
  return wb::log_row<wb::KeyMetric>(run, {.step = wb::number_or_none(step)}, keys, values, count);
}

wb_status wb_log_keys(wb_run* run, const wb_log_options* options, const uint32_t* keys, const wb_value* values,
                      size_t count) {
  return wb::log_row<wb::KeyMetric>(run, wb::log_options(options), keys, values, count);
}

wb_status wb_config(wb_run* run, const char* const* keys, const wb_value* values, size_t count) {
  return wb::update(run, &wb::Run::update_config, keys, values, count);
}

wb_status wb_summary(wb_run* run, const char* const* keys, const wb_value* values, size_t count) {
  return wb::update(run, &wb::Run::update_summary, keys, values, count);
}

wb_status wb_update(wb_run* run, const char* const* keys, const wb_value* values, size_t count) {
  return wb::update(run, &wb::Run::update_run, keys, values, count);
}

wb_status wb_define_metric(wb_run* run, const wb_metric_definition* definition) {
  if (run == nullptr || definition == nullptr) return wb::invalid("wb_define_metric: an argument is NULL");
  return wb::guarded([&] {
    wb_metric_definition known{};
    known.step_sync = -1;
    if (!wb::copy_known(*definition, known)) return wb::invalid("wb_metric_definition: unknown size");
    wb::MetricDefinition to;
    to.name = wb::text_or_empty(known.name);
    to.step_metric = wb::text_or_empty(known.step_metric);
    if (known.step_sync >= 0) to.step_sync = known.step_sync != 0;
    to.hidden = known.hidden != 0;
    to.summary = wb::text_or_empty(known.summary);
    to.goal = wb::text_or_empty(known.goal);
    to.overwrite = known.overwrite != 0;
    return wb::report(run->run->define_metric(to));
  });
}

wb_status wb_flush(wb_run* run, uint32_t timeout_ms) {
  if (run == nullptr) return wb::invalid("the run is NULL");
  return wb::guarded([&] { return wb::report(run->run->flush(std::chrono::milliseconds(timeout_ms))); });
}

wb_status wb_finish(wb_run* run, int32_t exit_code) {
  if (run == nullptr) return wb::invalid("the run is NULL");
  return wb::guarded([&] { return wb::report(run->run->finish(exit_code)); });
}

void wb_close(wb_run* run) {
  delete run;
}

const char* wb_run_id(const wb_run* run) {
  return run != nullptr ? run->run->id().c_str() : "";
}
const char* wb_run_directory(const wb_run* run) {
  return run != nullptr ? run->run->directory().c_str() : "";
}
const char* wb_run_journal(const wb_run* run) {
  return run != nullptr ? run->run->journal().c_str() : "";
}

void wb_run_counts(const wb_run* run, uint64_t* accepted, uint64_t* dropped) {
  const wb::Counts counts = run != nullptr ? run->run->counts() : wb::Counts{};
  if (accepted != nullptr) *accepted = counts.accepted;
  if (dropped != nullptr) *dropped = counts.dropped;
}

int64_t wb_run_step(const wb_run* run) {
  return run != nullptr ? run->run->step() : 0;
}

const char* wb_error_text(void) {
  return wb::error_text.data();
}

const char* wb_status_name(int32_t status) {
  const bool is_known = status >= WB_OK && status <= WB_INTERNAL;
  return is_known ? wb::code_name(static_cast<wb::Code>(status)).data() : "unknown";  // Literals: zero-terminated.
}

const char* wb_version(void) {
  return WB_VERSION;
}
