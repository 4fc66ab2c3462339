// Gathers the fields; texts are redacted by the caller, like all that goes into a map record.
#include "writer/run_fields.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "writer/clock.h"
#include "writer/json_text.h"
#include "writer/process_facts.h"

namespace wb {

RunFields::Field& RunFields::put(std::string_view name) {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  if (found != fields_.end()) return *found;
  return fields_.emplace_back(Field{std::string(name), ValueType::kNull, {}, 0});
}

void RunFields::remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return field.name == name; });
}

void RunFields::set(std::string_view name, std::string_view text) {
  if (text.empty()) return remove(name);
  Field& field = put(name);
  field.type = ValueType::kString;
  field.text = text;
}

void RunFields::set_json(std::string_view name, std::string_view json) {
  Field& field = put(name);
  field.type = ValueType::kJson;
  field.text = json;
}

void RunFields::set_number(std::string_view name, std::int64_t number) {
  Field& field = put(name);
  field.type = ValueType::kInt64;
  field.number = number;
  field.text = std::to_string(number);
}

std::string RunFields::text(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name == name) return field.text;
  }
  return {};
}

std::vector<Metric> RunFields::entries() const {
  std::vector<Metric> entries;
  for (const Field& field : fields_) {
    Value value(field.number);
    if (field.type == ValueType::kString) value = Value(std::string_view(field.text));
    if (field.type == ValueType::kJson) value = Value::json(field.text);
    entries.push_back({field.name, value});
  }
  return entries;
}

RunFields run_fields(const Settings& settings, const Options& options) {
  RunFields fields;
  fields.set("run_id", settings.id);
  fields.set("project", settings.project);
  fields.set("entity", settings.entity);
  fields.set("group", settings.group);
  fields.set("job_type", settings.job_type);
  fields.set("name", settings.name);
  fields.set("notes", settings.notes);
  if (!settings.tags.empty()) fields.set_json("tags", json_array(settings.tags));
  const Identity& identity = settings.identity;
  if (identity.rank) fields.set_number("rank", *identity.rank);
  if (identity.world_size) fields.set_number("world_size", *identity.world_size);
  if (identity.local_rank) fields.set_number("local_rank", *identity.local_rank);
  if (identity.node_rank) fields.set_number("node_rank", *identity.node_rank);
  fields.set_number("attempt", identity.attempt);
  fields.set("job", identity.job);
  fields.set("launcher", identity.launcher);
  fields.set("mode", settings.mode);
  fields.set("directory", settings.directory);
  if (settings.sync_interval_ms > 0) fields.set_number("sync_interval_ms", settings.sync_interval_ms);
  fields.set("host", host_name());
  // From the environment: asking the user database can mean asking a server.
  const std::string user = first_set(process_environment(), {"USER", "LOGNAME"});
  fields.set("user", user.empty() ? std::to_string(getuid()) : user);
  fields.set("boot_id", boot_id());
  fields.set("program", program_name());
  fields.set_json("args", command_line_json());
  fields.set("executable", executable_path());
  fields.set("cwd", working_directory());
  fields.set("wb_version", WB_VERSION);
  for (const auto& [name, text] : options.facts) {
    if (name == "args") {
      fields.set_json(name, text);
    } else if (fields.text(name).empty() || name == "program" || name == "executable") {
      fields.set(name, text);
    }
  }
  return fields;
}

void set_process_fields(RunFields& fields, const Uuid& journal, const Uuid* parent) {
  const Timestamp now = timestamp_now();
  fields.set("journal_uuid", journal.hex());
  if (parent != nullptr) fields.set("parent_journal", parent->hex());
  fields.set_number("pid", getpid());
  fields.set("pid_namespace", pid_namespace());
  fields.set_number("ppid", getppid());
  fields.set_number("pid_start_ticks", static_cast<std::int64_t>(process_start_ticks()));
  fields.set_number("start_wall_us", now.wall_us());
  fields.set_number("start_mono_ns", now.mono_ns);
}

}  // namespace wb
