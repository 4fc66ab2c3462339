// Run fold: which journal's word counts.
#include "sync/run_fold.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "sync/json.h"
#include "sync/merged_summary.h"

namespace wb {
namespace {

constexpr double kUsPerSecond = 1e6;

bool starts_before(const JournalDigest& left, const JournalDigest& right) {
  return std::tuple(left.model.start.wall_us(), left.model.scan.journal) <
         std::tuple(right.model.start.wall_us(), right.model.scan.journal);
}

/// By (start, uuid) on entry, so that equals need no further rule.
std::string resolve_field(const std::vector<JournalDigest>& digests, const std::string& name) {
  const RunField* best = nullptr;
  for (const JournalDigest& digest : digests) {
    const auto found = digest.fields.find(name);
    if (found == digest.fields.end()) continue;
    const RunField& field = found->second;
    const bool better = best == nullptr || field.changed_us > best->changed_us || best->text.empty();
    if (better && !(field.text.empty() && field.changed_us == 0)) best = &field;
  }
  return best == nullptr ? std::string() : best->text;
}

std::vector<std::string> parse_tags(const std::string& text) {
  std::vector<std::string> tags;
  const auto array = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!array.is_array()) return tags;
  for (const auto& tag : array) {
    if (tag.is_string()) tags.push_back(tag.get<std::string>());
  }
  return tags;
}

/// Weakest first: each later one overrides the earlier.
std::vector<const JournalDigest*> by_weight(const std::vector<JournalDigest>& digests) {
  std::vector<const JournalDigest*> order;
  for (const JournalDigest& digest : digests) order.push_back(&digest);
  std::stable_sort(order.begin(), order.end(), [](const JournalDigest* left, const JournalDigest* right) {
    return std::tuple(-left->model.rank, left->model.attempt) < std::tuple(-right->model.rank, right->model.attempt);
  });
  return order;
}

void merge_definition(RunModel& run, const std::map<std::string, std::string>& definition) {
  const auto name = definition.find("name");
  if (name == definition.end()) return;
  const auto known = std::find_if(run.definitions.begin(), run.definitions.end(), [&](const auto& other) {
    const auto found = other.find("name");
    return found != other.end() && found->second == name->second;
  });
  if (known == run.definitions.end()) {
    run.definitions.push_back(definition);
    return;
  }
  const auto overwrite = definition.find("overwrite");
  if (overwrite != definition.end() && overwrite->second == "true") known->clear();
  for (const auto& [field, text] : definition) {
    if (!text.empty()) (*known)[field] = text;
  }
}

void fill_registers(RunModel& run, const std::vector<JournalDigest>& digests) {
  for (const JournalDigest* digest : by_weight(digests)) {
    for (const auto& [key, text] : digest->config) run.config[key] = text;
    for (const auto& definition : digest->definitions) merge_definition(run, definition);
  }
}

void fill_identity(RunModel& run, const std::vector<JournalDigest>& digests) {
  const JournalModel& first = digests.front().model;
  run.id = first.run_id;
  run.project = first.project;
  run.entity = first.entity;
  run.group = resolve_field(digests, "group");
  run.job_type = resolve_field(digests, "job_type");
  run.name = resolve_field(digests, "name");
  run.notes = resolve_field(digests, "notes");
  run.host = resolve_field(digests, "host");
  run.program = resolve_field(digests, "program");
  run.tags = parse_tags(resolve_field(digests, "tags"));
}

void fill_outcome(RunModel& run) {
  run.state = run_state_of(run.journals);
  run.start_wall_us = run.journals.front().start.wall_us();
  run.last_wall_us = run.start_wall_us;
  run.exit_code = run.state == RunState::kCrashed || run.state == RunState::kLost ? 1 : 0;
  for (const JournalModel& journal : run.journals) {
    run.last_wall_us = std::max(run.last_wall_us, journal.last.wall_us());
    if (run.state != RunState::kFailed || journal.state != RunState::kFailed) continue;
    if (run.exit_code == 0) run.exit_code = journal.exit_code.value_or(1);
  }
}

void add_clock_entries(RunModel& run, const MergedEnd& end) {
  if (run.row_count > 0) {
    run.summary["_step"] = json_value(end.last_step);
    run.summary["_timestamp"] = json_value(end.timestamp_s);
    run.summary["_runtime"] = json_value(end.runtime_s);
  }
  double runtime_s = 0;
  for (const JournalModel& journal : run.journals) {
    runtime_s = std::max(runtime_s, static_cast<double>(journal.last.mono_ns - journal.start.mono_ns) / 1e9);
  }
  run.summary["_wandb"] = "{\"runtime\":" + std::to_string(static_cast<std::int64_t>(runtime_s)) + "}";
}

}  // namespace

RunModel fold_run(std::vector<JournalDigest> digests, Status& trouble) {
  std::sort(digests.begin(), digests.end(), starts_before);
  RunModel run;
  fill_identity(run, digests);
  fill_registers(run, digests);
  for (JournalDigest& digest : digests) run.journals.push_back(std::move(digest.model));
  fill_outcome(run);
  MergedEnd end;
  if (digests.size() == 1) {
    const Timestamp& last = digests.front().last_row_time;
    const JournalModel& journal = run.journals.front();
    end = {.row_count = journal.row_count,
           .last_step = digests.front().last_wire_step,
           .timestamp_s = static_cast<double>(last.wall_us()) / kUsPerSecond,
           .runtime_s = static_cast<double>(last.mono_ns - journal.start.mono_ns) / 1e9};
    run.summary = digests.front().summary.finish(run.definitions);
  } else {
    SummaryFold summary;
    end = fold_merged_rows(run, summary);
    trouble = end.status;
    run.summary = summary.finish(run.definitions);
  }
  run.row_count = end.row_count;
  run.last_step = end.last_step;
  add_clock_entries(run, end);
  return run;
}

}  // namespace wb
