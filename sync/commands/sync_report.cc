// The lines of a sync's report: for a person, and as JSON for machines.
#include "sync/commands/sync_report.h"

#include <cstdio>
#include <map>

#include "sync/json.h"
#include "sync/sinks/wandb.h"
#include "sync/text.h"

namespace wb {
namespace {

const char* outcome_name(RunOutcome outcome) noexcept {
  switch (outcome) {
    case RunOutcome::kSynced:
      return "synced";
    case RunOutcome::kRunning:
      return "running";
    case RunOutcome::kStopped:
      return "stopped";
  }
  return "stopped";
}

std::string counted(std::uint64_t count, const char* word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string page_of(const RunModel& run, const RunReport& report, const SyncReport& all) {
  return report.remote_entity.empty() ? "" : wandb_run_page(all.base_url, report.remote_entity, run);
}

const char* advice(ExitCode exit_code) noexcept {
  switch (exit_code) {
    case ExitCode::kUnauthorized:
      return "check the key; nothing is lost";
    case ExitCode::kUnavailable:
      return "nothing is lost; run wbsync again later";
    case ExitCode::kNoState:
      return "make room or choose another place with --state DIR; nothing more was sent";
    case ExitCode::kInternal:
      return "please report this; nothing is lost";
    default:
      return "nothing is lost";
  }
}

struct Totals {
  std::uint64_t synced = 0, running = 0, stopped = 0, unchanged = 0, sent = 0, quarantined = 0;
};

Totals totals_of(const SyncReport& report) {
  Totals totals;
  for (const RunReport& run : report.runs) {
    totals.synced += run.outcome == RunOutcome::kSynced ? 1 : 0;
    totals.running += run.outcome == RunOutcome::kRunning ? 1 : 0;
    totals.stopped += run.outcome == RunOutcome::kStopped ? 1 : 0;
    totals.unchanged += run.outcome != RunOutcome::kStopped && !run.changed ? 1 : 0;
    totals.sent += run.sent_count;
    totals.quarantined += run.quarantined_count;
  }
  return totals;
}

// Forty runs that stop for one reason are one message.
void print_stops(const std::vector<RunModel>& models, const SyncReport& report) {
  struct Stop {
    ExitCode exit_code = ExitCode::kOk;
    std::uint64_t count = 0;
    std::string first_run;
  };
  std::map<std::string, Stop> stops;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const RunReport& run = report.runs[i];
    if (run.status.ok()) continue;
    Stop& stop = stops[run.status.message()];
    if (stop.count++ == 0) stop.first_run = models[i].id;
    stop.exit_code = run.exit_code;
  }
  for (const auto& [message, stop] : stops) {
    const std::string whom =
        stop.count == 1 ? "run " + printable(stop.first_run) : std::to_string(stop.count) + " runs";
    std::fprintf(stderr, "wbsync: %s: %s (%s); %s\n", printable(report.target).c_str(), printable(message).c_str(),
                 whom.c_str(), advice(stop.exit_code));
  }
  if (const std::uint64_t quarantined = totals_of(report).quarantined; quarantined > 0) {
    std::fprintf(stderr, "wbsync: %s: refused for good and kept in the journals only; the rest was taken\n",
                 counted(quarantined, "row").c_str());
  }
}

}  // namespace

ExitCode sync_exit_code(const SyncReport& report) {
  ExitCode code = ExitCode::kOk;
  for (const RunReport& run : report.runs) code = worse(code, run.exit_code);
  return code;
}

void print_sync_report(const std::vector<RunModel>& models, const SyncReport& report) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    const RunReport& run = report.runs[i];
    if (!run.changed && run.status.ok()) continue;
    std::printf("%-8s %s  %s, %llu sent  %s\n", outcome_name(run.outcome), printable(models[i].shown_name()).c_str(),
                counted(run.line_count, "row").c_str(), static_cast<unsigned long long>(run.sent_count),
                printable(page_of(models[i], run, report)).c_str());
  }
  const Totals totals = totals_of(report);
  std::printf("%s: %llu synced, %llu running, %llu stopped (%llu unchanged); %s sent to %s\n",
              counted(models.size(), "run").c_str(), static_cast<unsigned long long>(totals.synced),
              static_cast<unsigned long long>(totals.running), static_cast<unsigned long long>(totals.stopped),
              static_cast<unsigned long long>(totals.unchanged), counted(totals.sent, "row").c_str(),
              printable(report.target).c_str());
  print_stops(models, report);
}

void print_sync_json(const std::vector<RunModel>& models, const SyncReport& report, ExitCode exit_code) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    const RunReport& run = report.runs[i];
    std::string line = "{\"run\":" + json_string(models[i].id);
    line += ",\"project\":" + json_string(models[i].project);
    line += ",\"entity\":" + json_string(run.remote_entity);
    line += ",\"group\":" + json_string(models[i].group);
    line += ",\"name\":" + json_string(models[i].shown_name());
    line += ",\"state\":" + json_string(run_state_name(models[i].state));
    line += ",\"outcome\":" + json_string(outcome_name(run.outcome));
    line += std::string(",\"changed\":") + (run.changed ? "true" : "false");
    line += ",\"rows\":" + std::to_string(run.line_count);
    line += ",\"rows_sent\":" + std::to_string(run.sent_count);
    line += ",\"rows_quarantined\":" + std::to_string(run.quarantined_count);
    line += ",\"page\":" + json_string(page_of(models[i], run, report));
    line += ",\"error\":" + (run.status.ok() ? "null" : json_string(run.status.message())) + "}";
    std::printf("%s\n", line.c_str());
  }
  const Totals totals = totals_of(report);
  std::string line = "{\"summary\":{\"target\":" + json_string(report.target);
  line += ",\"runs\":" + std::to_string(models.size());
  line += ",\"synced\":" + std::to_string(totals.synced);
  line += ",\"running\":" + std::to_string(totals.running);
  line += ",\"stopped\":" + std::to_string(totals.stopped);
  line += ",\"unchanged\":" + std::to_string(totals.unchanged);
  line += ",\"rows_sent\":" + std::to_string(totals.sent);
  line += ",\"rows_quarantined\":" + std::to_string(totals.quarantined);
  line += ",\"exit_code\":" + std::to_string(static_cast<int>(exit_code)) + "}}";
  std::printf("%s\n", line.c_str());
  print_stops(models, report);
}

}  // namespace wb
