// Request bodies for a W&B server, as PROTOCOL sections 3, 4 and 6 of the observed client have them.
#include "sync/sinks/wandb_body.h"

#include <map>
#include <string_view>
#include <vector>

#include "sync/json.h"
#include "sync/sinks/wandb.h"

namespace wb {
namespace {

using Definition = std::map<std::string, std::string>;

constexpr const char* kUpsertQuery =
    "mutation UpsertBucket($name:String,$project:String,$entity:String,$groupName:String,$displayName:String,"
    "$notes:String,$config:JSONString,$host:String,$program:String,$jobType:String,$tags:[String!])"
    "{upsertBucket(input:{name:$name,groupName:$groupName,modelName:$project,entityName:$entity,"
    "displayName:$displayName,notes:$notes,config:$config,host:$host,jobProgram:$program,jobType:$jobType,tags:$tags})"
    "{bucket{id name displayName project{id name entity{id name}}historyLineCount}inserted}}";

std::string_view field(const Definition& definition, const char* name) {
  const auto found = definition.find(name);
  return found == definition.end() ? std::string_view() : std::string_view(found->second);
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out += ':';
  if (value.empty()) {
    out += "null";
  } else {
    append_json_string(out, value);
  }
}

// In config NaN is null on the wire; infinities stay. `json` is valid, so NaN outside of strings is a whole token.
void append_without_nan(std::string& out, std::string_view json) {
  constexpr std::string_view kNan = "NaN";
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (!in_string && json.substr(i).starts_with(kNan)) {
      out += "null";
      i += kNan.size() - 1;
      continue;
    }
    out += json[i];
    if (json[i] == '"') in_string = !in_string;
    if (in_string && json[i] == '\\' && i + 1 < json.size()) out += json[++i];
  }
}

// Field 7 of a metric: the numbers of the summary kinds, in rising order as the client sends them.
std::string summary_kinds(std::string_view summary) {
  static constexpr std::pair<std::string_view, int> kKinds[] = {{"min", 1},  {"max", 2},  {"mean", 3}, {"best", 4},
                                                                {"last", 5}, {"none", 6}, {"copy", 7}, {"first", 8}};
  std::string list = "[";
  for (const auto& [name, number] : kKinds) {
    std::string_view left = summary;
    while (!left.empty()) {
      const std::size_t comma = std::min(left.find(','), left.size());
      if (left.substr(0, comma) == name) {
        if (list.size() > 1) list += ',';
        list += std::to_string(number);
        break;
      }
      left.remove_prefix(std::min(comma + 1, left.size()));
    }
  }
  return list + "]";
}

// Places in the list `m`, counted from 1. A step metric that nobody defined gets an entry of its own.
class MetricList {
 public:
  void add(const Definition& definition) {
    const std::string name(field(definition, "name"));
    const std::string step_metric(field(definition, "step_metric"));
    std::size_t step_place = 0;
    if (!step_metric.empty()) step_place = place_of(step_metric, {});
    (void)place_of(name, definition);
    Entry& entry = entries_[place_.at(name) - 1];
    entry.definition = definition;
    entry.step_place = step_place;
  }

  std::string text() const {
    std::string list = "[";
    for (const Entry& entry : entries_) {
      if (list.size() > 1) list += ',';
      append_entry(list, entry);
    }
    return list + "]";
  }

 private:
  struct Entry {
    std::string name;
    Definition definition;
    std::size_t step_place = 0;
  };

  std::size_t place_of(const std::string& name, const Definition& definition) {
    const auto [found, is_new] = place_.try_emplace(name, entries_.size() + 1);
    if (is_new) entries_.push_back({.name = name, .definition = definition});
    return found->second;
  }

  static void append_entry(std::string& out, const Entry& entry) {
    const bool is_glob = entry.name.ends_with('*');
    out += is_glob ? "{\"2\":" : "{\"1\":";
    append_json_string(out, entry.name);
    if (entry.step_place != 0) out += ",\"5\":" + std::to_string(entry.step_place);
    const bool syncs_step = entry.step_place != 0 || field(entry.definition, "step_sync") == "true";
    std::string options;
    if (syncs_step) options += "1,";
    if (field(entry.definition, "hidden") == "true") options += "2,";
    if (!is_glob) options += "3,";
    if (!options.empty()) options.pop_back();
    out += ",\"6\":[" + options + "],\"7\":" + summary_kinds(field(entry.definition, "summary"));
    const std::string_view goal = field(entry.definition, "goal");
    if (goal == "minimize") out += ",\"8\":1";
    if (goal == "maximize") out += ",\"8\":2";
    out += '}';
  }

  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> place_;
};

void append_lines(std::string& out, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, lines[i]);
  }
}

}  // namespace

std::string wandb_metric_list(const std::vector<Definition>& definitions) {
  MetricList list;
  for (const Definition& definition : definitions) {
    if (!field(definition, "name").empty()) list.add(definition);
  }
  return list.text();
}

std::string wandb_config(const RunModel& run, const std::string& version) {
  std::string out = "{";
  for (const auto& [key, json] : run.config) {
    if (key == "_wandb") continue;  // Ours to write.
    if (out.size() > 1) out += ',';
    append_json_string(out, key);
    out += ":{\"value\":";
    append_without_nan(out, json);
    out += '}';
  }
  if (out.size() > 1) out += ',';
  out += "\"_wandb\":{\"value\":{\"cli_version\":";
  append_json_string(out, version);
  out += ",\"m\":" + wandb_metric_list(run.definitions);
  out += ",\"t\":{\"5\":";  // A run counts as one that can be resumed only if `t` is there.
  append_json_string(out, version);
  out += "}}}}";
  return out;
}

std::string wandb_upsert_body(const RunModel& run, const std::string& version) {
  std::string out = "{\"operationName\":\"UpsertBucket\",\"query\":";
  append_json_string(out, kUpsertQuery);
  out += ",\"variables\":{";
  append_member(out, "name", run.id);
  append_member(out, "project", run.project.empty() ? kWandbDefaultProject : run.project);
  append_member(out, "entity", run.entity);
  append_member(out, "groupName", run.group);
  append_member(out, "displayName", run.name);
  append_member(out, "notes", run.notes);
  append_member(out, "config", wandb_config(run, version));
  append_member(out, "host", run.host);
  append_member(out, "program", run.program);
  append_member(out, "jobType", run.job_type);
  out += ",\"tags\":";
  if (run.tags.empty()) {
    out += "null";
  } else {
    out += '[';
    append_lines(out, run.tags);
    out += ']';
  }
  out += "}}";
  return out;
}

std::string wandb_summary(const RunModel& run) {
  std::string out = "{";
  for (const auto& [key, json] : run.summary) {
    if (out.size() > 1) out += ',';
    append_json_string(out, key);
    out += ':';
    out += json;
  }
  return out + "}";
}

std::string wandb_stream_body(const RunModel& run, const Delivery& delivery) {
  const bool has_lines = delivery.lines != nullptr && !delivery.lines->empty();
  std::string out = "{";
  if (has_lines || delivery.with_summary) out += "\"files\":{";
  if (has_lines) {
    std::size_t bytes = 0;
    for (const std::string& line : *delivery.lines) bytes += line.size() + line.size() / 8 + 4;
    out.reserve(bytes + 4096);
    out += "\"wandb-history.jsonl\":{\"offset\":" + std::to_string(delivery.history_offset) + ",\"content\":[";
    append_lines(out, *delivery.lines);
    out += "]}";
  }
  if (delivery.with_summary) {
    if (has_lines) out += ',';
    out += "\"wandb-summary.json\":{\"offset\":0,\"content\":[";
    append_json_string(out, wandb_summary(run));
    out += "]}";
  }
  if (has_lines || delivery.with_summary) out += '}';
  if (delivery.with_end) {
    if (out.size() > 1) out += ',';
    out += "\"complete\":true,\"exitcode\":" + std::to_string(run.exit_code);
  }
  return out + "}";
}

}  // namespace wb
