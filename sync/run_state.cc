// State: the finish or death record if there is one, then the process itself, then how long nothing was heard.
#include "sync/run_state.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sync/text.h"

namespace wb {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string death_reason(const JournalEnd& end) {
  std::string reason = end.reason.empty() ? "ended without a finish record" : printable(end.reason);
  if (end.signal) reason += ", signal " + std::to_string(*end.signal);
  if (end.exit_code) reason += ", exit code " + std::to_string(*end.exit_code);
  if (!end.signal && !end.exit_code) reason += ", exit code unknown";
  return reason;
}

int badness(RunState state) {
  switch (state) {
    case RunState::kFinished:
      return 0;
    case RunState::kFailed:
      return 1;
    case RunState::kLost:
      return 2;
    case RunState::kCrashed:
      return 3;
    case RunState::kRunning:
      return 4;
  }
  return 4;
}

bool has_parent(const JournalModel& journal, const std::vector<JournalModel>& journals) {
  for (const JournalModel& other : journals) {
    if (!journal.parent_journal.empty() && other.scan.journal.hex() == journal.parent_journal) return true;
  }
  return false;
}

bool is_last_attempt(const JournalModel& journal, const std::vector<JournalModel>& journals) {
  for (const JournalModel& other : journals) {
    if (other.rank == journal.rank && other.attempt > journal.attempt) return false;
  }
  return true;
}

}  // namespace

std::string_view run_state_name(RunState state) noexcept {
  switch (state) {
    case RunState::kRunning:
      return "running";
    case RunState::kFinished:
      return "finished";
    case RunState::kFailed:
      return "failed";
    case RunState::kCrashed:
      return "crashed";
    case RunState::kLost:
      return "lost";
  }
  return "lost";
}

ProcessLife look_for_process(const ProcessName& process) {
  if (process.boot_id.empty() || process.pid <= 0 || process.boot_id != first_line("/proc/sys/kernel/random/boot_id")) {
    return ProcessLife::kUnknown;
  }
  std::error_code error;
  if (!process.pid_namespace.empty() &&
      process.pid_namespace != std::filesystem::read_symlink("/proc/self/ns/pid", error)) {
    return ProcessLife::kUnknown;
  }
  const std::string stat = first_line("/proc/" + std::to_string(process.pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');  // The program's name may hold spaces and parentheses itself.
  if (name_end == std::string::npos) return ProcessLife::kGone;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string state, skipped;
  fields >> state;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  std::uint64_t ticks = 0;
  fields >> ticks;
  if (state == "Z" || state == "X") return ProcessLife::kGone;  // Dead; only its parent has not noticed yet.
  return process.start_ticks == 0 || ticks == process.start_ticks ? ProcessLife::kAlive : ProcessLife::kGone;
}

JournalState infer_state(const JournalEnd& end, ProcessLife life, std::int64_t last_wall_us, std::int64_t now_wall_us) {
  if (end.finished) {
    if (!end.exit_code) return {RunState::kFinished, "closed without an exit code"};
    if (*end.exit_code == 0) return {RunState::kFinished, "finish record"};
    return {RunState::kFailed, "finish record, exit code " + std::to_string(*end.exit_code)};
  }
  if (end.died) return {RunState::kCrashed, death_reason(end)};
  if (life == ProcessLife::kAlive) return {RunState::kRunning, "its process is alive"};
  if (life == ProcessLife::kGone) return {RunState::kCrashed, "its process is gone without a finish record"};
  if (now_wall_us - last_wall_us <= kLostAfterUs) return {RunState::kRunning, "heard of in the last 10 minutes"};
  return {RunState::kLost, "nothing heard for 10 minutes, on another machine or boot"};
}

RunState run_state_of(const std::vector<JournalModel>& journals) {
  RunState state = RunState::kFinished;
  for (const JournalModel& journal : journals) {
    const bool ended = journal.state != RunState::kRunning;
    if (ended && (!is_last_attempt(journal, journals) || has_parent(journal, journals))) continue;
    if (badness(journal.state) > badness(state)) state = journal.state;
  }
  return state;
}

}  // namespace wb
