// Options from dicts: each field has one line here.
#include "options.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>

namespace wb::python {

namespace nb = nanobind;

namespace {

template <typename T>
void read_field(const nb::dict& from, const char* name, T& to) {
  if (!from.contains(name) || from[name].is_none()) return;
  to = nb::cast<T>(from[name]);
}

void read_field(const nb::dict& from, const char* name, std::vector<std::pair<std::string, std::string>>& to) {
  if (!from.contains(name)) return;
  for (auto [key, value] : nb::cast<nb::dict>(from[name])) {
    to.emplace_back(nb::cast<std::string>(key), nb::cast<std::string>(value));
  }
}

void read_field(const nb::dict& from, const char* name, std::optional<KeeperMode>& to) {
  std::string text;
  read_field(from, name, text);
  if (text == "auto") to = KeeperMode::kAuto;
  if (text == "process") to = KeeperMode::kProcess;
  if (text == "thread") to = KeeperMode::kThread;
  if (!text.empty() && !to) throw nb::value_error("keeper must be auto, process or thread");
}

}  // namespace

Options read_options(const nb::dict& from) {
  Options options;
  read_field(from, "project", options.project);
  read_field(from, "entity", options.entity);
  read_field(from, "group", options.group);
  read_field(from, "job_type", options.job_type);
  read_field(from, "name", options.name);
  read_field(from, "id", options.id);
  read_field(from, "notes", options.notes);
  read_field(from, "tags", options.tags);
  read_field(from, "config", options.config);
  read_field(from, "directory", options.directory);
  read_field(from, "rank", options.rank);
  read_field(from, "world_size", options.world_size);
  read_field(from, "attempt", options.attempt);
  read_field(from, "ring_bytes", options.ring_bytes);
  read_field(from, "keeper", options.keeper);
  read_field(from, "keeper_path", options.keeper_path);
  read_field(from, "facts", options.facts);
  return options;
}

MetricDefinition read_metric_definition(const nb::dict& from) {
  MetricDefinition definition;
  read_field(from, "name", definition.name);
  read_field(from, "step_metric", definition.step_metric);
  read_field(from, "step_sync", definition.step_sync);
  read_field(from, "hidden", definition.hidden);
  read_field(from, "summary", definition.summary);
  read_field(from, "goal", definition.goal);
  read_field(from, "overwrite", definition.overwrite);
  return definition;
}

}  // namespace wb::python
