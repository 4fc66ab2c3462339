// show: one run on one page.
#include "sync/commands/show.h"

#include <cstdio>
#include <ctime>

#include "sync/discovery_report.h"
#include "sync/find_run.h"
#include "sync/json.h"
#include "sync/loss_limit.h"
#include "sync/text.h"

namespace wb {
namespace {

constexpr std::size_t kValueBytesMax = 200;  // Of a config or summary value; --json has all of it.

void say(const char* name, const std::string& text) {
  if (!text.empty()) std::printf("%-10s %s\n", name, printable(text).c_str());
}

std::string time_text(std::int64_t wall_us) {
  const std::time_t seconds = static_cast<std::time_t>(wall_us / 1'000'000);
  std::tm fields{};
  char text[40] = "";
  if (::gmtime_r(&seconds, &fields) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &fields);
  return text;
}

std::string interval_text(const JournalModel& journal) {
  if (journal.sync_interval_ms == 0) return "1 s on a local file system, 5 s on a network one";
  return std::to_string(journal.sync_interval_ms) + " ms";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void show_registers(const char* title, const std::map<std::string, std::string>& values) {
  if (values.empty()) return;
  std::printf("\n%s\n", title);
  for (const auto& [key, text] : values) {
    std::string shown = printable(text.substr(0, kValueBytesMax));
    if (text.size() > kValueBytesMax) shown += "…";
    std::printf("  %s = %s\n", printable(key).c_str(), shown.c_str());
  }
}

/// "nothing", "at most the last 10 ms", ...
std::string loss_text(const Loss& loss, const JournalModel& journal) {
  if (loss.limit == LossLimit::kPowerCut) return "at most the sync interval (" + interval_text(journal) + ")";
  if (loss.limit == LossLimit::kStepKilled) return "at most the last " + std::to_string(kStepKilledLossMs) + " ms";
  return loss.limit == LossLimit::kTrainerKilled ? "nothing that was accepted" : "nothing";
}

/// What its end can have taken, all the limits in the words of the promise, and what is known to be gone.
void show_limits(const JournalModel& journal) {
  const Loss loss = loss_of(journal);
  std::printf("    lost     %s: %s\n", loss_text(loss, journal).c_str(), loss.reason.c_str());
  std::printf("    limits   trainer killed: nothing accepted is lost\n");
  std::printf("             whole step killed at once: at most the last %lld ms\n",
              static_cast<long long>(kStepKilledLossMs));
  std::printf("             power cut: at most the sync interval (%s)\n", interval_text(journal).c_str());
  if (journal.dropped_count != 0) {
    std::printf("    dropped  %llu rows: no room in the ring, or a value over 64 KiB; stderr said so\n",
                static_cast<unsigned long long>(journal.dropped_count));
  }
}

void show_journal(const JournalModel& journal) {
  std::printf("\n  journal  %s\n", printable(journal.files.directory + "/" + journal.files.stem).c_str());
  std::printf("    process  rank %lld of %lld, attempt %lld, pid %lld on %s\n", static_cast<long long>(journal.rank),
              static_cast<long long>(journal.world_size), static_cast<long long>(journal.attempt),
              static_cast<long long>(journal.pid), journal.host.empty() ? "?" : printable(journal.host).c_str());
  std::printf("    state    %s: %s\n", std::string(run_state_name(journal.state)).c_str(),
              printable(journal.state_reason).c_str());
  std::printf("    time     %s to %s\n", time_text(journal.start.wall_us()).c_str(),
              time_text(journal.last.wall_us()).c_str());
  std::printf("    records  %llu to %llu, %llu rows up to step %lld, %llu behind a higher step\n",
              static_cast<unsigned long long>(journal.scan.first_sequence),
              static_cast<unsigned long long>(journal.scan.last_sequence),
              static_cast<unsigned long long>(journal.row_count), static_cast<long long>(journal.last_step),
              static_cast<unsigned long long>(journal.out_of_order_count));
  std::printf("    files    %u sealed, %u tail, %llu bytes%s\n", journal.scan.segment_count, journal.scan.tail_count,
              static_cast<unsigned long long>(journal.scan.bytes), journal.scan.ends_open ? ", not ended" : "");
  for (const JournalFileName& file : journal.files.files) {
    std::printf("             %s\n", printable(journal_file(file.stem, file.number, file.kind)).c_str());
  }
  show_limits(journal);
  for (const Damage& damage : journal.scan.damage) std::printf("    damage   %s\n", damage_text(damage).c_str());
}

void show_run(const RunModel& run) {
  say("run", run.id);
  say("name", run.shown_name());
  say("project", run.entity.empty() ? run.project : run.entity + "/" + run.project);
  say("group", run.group);
  say("job type", run.job_type);
  say("tags", joined(run.tags));
  say("notes", run.notes);
  say("program", run.program);
  say("state", std::string(run_state_name(run.state)) + ", exit code " + std::to_string(run.exit_code));
  say("rows", std::to_string(run.row_count) + ", last step " + std::to_string(run.last_step));
  for (const JournalModel& journal : run.journals) show_journal(journal);
  show_registers("config", run.config);
  show_registers("summary", run.summary);
}

void append_field(std::string& json, const char* name, const std::string& text) {
  json += json.empty() ? "{\"" : ",\"";
  json += name;
  json += "\":" + text;
}

std::string object_of(const std::map<std::string, std::string>& values) {
  std::string json = "{";
  for (const auto& [key, text] : values) {
    if (json.size() > 1) json += ',';
    json += json_string(key) + ":" + text;
  }
  return json + "}";
}

std::string journal_json(const JournalModel& journal) {
  std::string json;
  append_field(json, "journal", json_string(journal.scan.journal.hex()));
  append_field(json, "directory", json_string(journal.files.directory));
  std::string files, damage;
  for (const JournalFileName& file : journal.files.files) {
    files += (files.empty() ? "" : ",") + json_string(journal_file(file.stem, file.number, file.kind));
  }
  for (const Damage& place : journal.scan.damage) damage += (damage.empty() ? "" : ",") + damage_json(place);
  append_field(json, "files", "[" + files + "]");
  append_field(json, "bytes", std::to_string(journal.scan.bytes));
  append_field(json, "rank", std::to_string(journal.rank));
  append_field(json, "world_size", std::to_string(journal.world_size));
  append_field(json, "attempt", std::to_string(journal.attempt));
  append_field(json, "host", json_string(journal.host));
  append_field(json, "pid", std::to_string(journal.pid));
  append_field(json, "state", json_string(run_state_name(journal.state)));
  append_field(json, "state_reason", json_string(journal.state_reason));
  append_field(json, "exit_code", journal.exit_code ? std::to_string(*journal.exit_code) : "null");
  append_field(json, "start_us", std::to_string(journal.start.wall_us()));
  append_field(json, "last_us", std::to_string(journal.last.wall_us()));
  append_field(json, "first_sequence", std::to_string(journal.scan.first_sequence));
  append_field(json, "last_sequence", std::to_string(journal.scan.last_sequence));
  append_field(json, "rows", std::to_string(journal.row_count));
  append_field(json, "last_step", std::to_string(journal.last_step));
  append_field(json, "dropped", std::to_string(journal.dropped_count));
  append_field(json, "out_of_order", std::to_string(journal.out_of_order_count));
  append_field(json, "ended", journal.scan.ends_open ? "false" : "true");
  const Loss loss = loss_of(journal);
  append_field(json, "limit_applied", json_string(loss_limit_name(loss.limit)));
  append_field(json, "limit_applied_ms", loss.limit_ms ? std::to_string(*loss.limit_ms) : "null");
  append_field(json, "limit_reason", json_string(loss.reason));
  append_field(json, "waiting_in_ring", std::to_string(loss.waiting_count));
  append_field(json, "limit_trainer_killed_ms", "0");
  append_field(json, "limit_step_killed_ms", std::to_string(kStepKilledLossMs));
  append_field(json, "limit_power_cut_ms",
               journal.sync_interval_ms == 0 ? "null" : std::to_string(journal.sync_interval_ms));
  append_field(json, "damage", "[" + damage + "]");
  return json + "}";
}

std::string run_json(const RunModel& run) {
  std::string json, tags, journals;
  for (const std::string& tag : run.tags) tags += (tags.empty() ? "" : ",") + json_string(tag);
  for (const JournalModel& journal : run.journals) journals += (journals.empty() ? "" : ",") + journal_json(journal);
  append_field(json, "run", json_string(run.id));
  append_field(json, "entity", json_string(run.entity));
  append_field(json, "project", json_string(run.project));
  append_field(json, "group", json_string(run.group));
  append_field(json, "job_type", json_string(run.job_type));
  append_field(json, "name", json_string(run.shown_name()));
  append_field(json, "notes", json_string(run.notes));
  append_field(json, "tags", "[" + tags + "]");
  append_field(json, "program", json_string(run.program));
  append_field(json, "state", json_string(run_state_name(run.state)));
  append_field(json, "exit_code", std::to_string(run.exit_code));
  append_field(json, "rows", std::to_string(run.row_count));
  append_field(json, "last_step", std::to_string(run.last_step));
  append_field(json, "config", object_of(run.config));
  append_field(json, "summary", object_of(run.summary));
  append_field(json, "journals", "[" + journals + "]");
  return json + "}";
}

}  // namespace

ExitCode run_show(const ShowOptions& options) {
  const Discovery discovery = find_runs(options.run, options.path);
  bool first = true;
  for (const RunModel& run : discovery.runs) {
    if (options.json) {
      std::puts(run_json(run).c_str());
      continue;
    }
    if (!first) std::printf("\n");
    first = false;
    show_run(run);
  }
  std::fflush(stdout);
  print_problems(discovery);
  return discovery_exit_code(discovery);
}

}  // namespace wb
