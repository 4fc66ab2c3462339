// `wbsync [sync] PATH...`: chooses the target, gathers what it needs and lets the engine work.
#include "sync/commands/sync.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <tuple>

#include "sync/commands/sync_report.h"
#include "sync/credentials.h"
#include "sync/discovery_report.h"
#include "sync/engine.h"
#include "sync/interrupt.h"
#include "sync/json.h"
#include "sync/net/http.h"
#include "sync/progress.h"
#include "sync/sinks/store.h"
#include "sync/sinks/wandb.h"
#include "sync/target.h"
#include "sync/text.h"

namespace wb {
namespace {

using std::chrono::milliseconds;

void complain(const std::string& message) {
  std::fprintf(stderr, "wbsync: %s\n", printable(message).c_str());
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// A number from `least` to `most`; `otherwise` if the variable is not set.
Result<double> number_from(const char* name, double otherwise, double least, double most) {
  const std::string text = environment(name);
  if (text.empty()) return otherwise;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return number;
  return Status(Code::kInvalidArgument, std::string(name) + "=" + text + ": give a number from " +
                                            std::to_string(static_cast<std::int64_t>(least)) + " to " +
                                            std::to_string(static_cast<std::int64_t>(most)));
}

// What the environment sets of how the engine talks to a server.
struct Tuning {
  RetryPolicy policy;                          ///< WB_RETRY_BUDGET_SECONDS: how long a silent server is asked.
  std::size_t request_bytes = kBatchBytesMax;  ///< WB_REQUEST_BYTES: of lines in one request.
};

Result<Tuning> read_tuning() {
  constexpr double kBudgetSecondsMax = 86'400;
  constexpr double kRequestBytesMin = 1'024, kRequestBytesMax = 8 << 20;
  Tuning tuning;
  const double default_seconds = static_cast<double>(tuning.policy.budget.count()) / 1000;
  const Result<double> seconds = number_from("WB_RETRY_BUDGET_SECONDS", default_seconds, 0, kBudgetSecondsMax);
  if (!seconds.ok()) return seconds.status();
  const Result<double> bytes = number_from("WB_REQUEST_BYTES", kBatchBytesMax, kRequestBytesMin, kRequestBytesMax);
  if (!bytes.ok()) return bytes.status();
  tuning.policy = RetryPolicy::with_budget(milliseconds(static_cast<milliseconds::rep>(seconds.value() * 1000) + 1));
  tuning.request_bytes = static_cast<std::size_t>(bytes.value());
  return tuning;
}

HttpOptions http_options(const RetryPolicy& policy, const ServerUrl& server) {
  HttpOptions options;
  options.use_proxy = !server.is_loopback;  // The key may go to this machine unencrypted, not over a wire.
  options.connect_timeout = std::min(options.connect_timeout, policy.budget);
  options.stall_timeout = std::min(options.stall_timeout, policy.budget);
  options.total_timeout = std::min(options.total_timeout, 3 * policy.budget);
  options.user_agent = std::string("wbsync/") + WB_VERSION;
  options.ca_file = environment("SSL_CERT_FILE");
  options.interrupted = was_interrupted;
  return options;
}

// kInvalidArgument: two runs of one id would come to one place, where their rows overwrite each other.
Status apply_overrides(const SyncOptions& options, std::vector<RunModel>& runs) {
  std::set<std::tuple<std::string, std::string, std::string>> places;
  for (RunModel& run : runs) {
    if (!options.project.empty()) run.project = options.project;
    if (!options.entity.empty()) run.entity = options.entity;
    if (places.emplace(run.entity, run.project, run.id).second) continue;
    return {Code::kInvalidArgument, "two runs have the id " + run.id +
                                        ", and --project or --entity would bring both to " + run.project +
                                        "; give them apart, each with a --project of its own"};
  }
  return {};
}

std::uint64_t row_count_of(const std::vector<RunModel>& runs) {
  std::uint64_t count = 0;
  for (const RunModel& run : runs) count += run.row_count;
  return count;
}

ExitCode dry_run(const std::string& state_dir, const ServerUrl& server, const std::vector<RunModel>& runs) {
  const auto uploaded = read_uploaded(state_dir);
  if (!uploaded.ok()) {
    complain(uploaded.status().message());
    return uploaded.status().code() == Code::kTimeout ? ExitCode::kUnavailable : ExitCode::kNoState;
  }
  for (const RunModel& run : runs) {
    std::uint64_t acknowledged = 0;
    for (const UploadedRun& known : uploaded.value()) {
      const TargetKey& key = known.key;
      if (key.base_url == server.text && key.entity == run.entity && key.project == run.project &&
          key.run_id == run.id) {
        acknowledged = known.acknowledged_count;
      }
    }
    const std::uint64_t left = run.row_count > acknowledged ? run.row_count - acknowledged : 0;
    std::printf("would send %llu of %llu rows of %s to %s\n", static_cast<unsigned long long>(left),
                static_cast<unsigned long long>(run.row_count), printable(run.shown_name()).c_str(),
                server.text.c_str());
  }
  return ExitCode::kOk;
}

ExitCode upload(const SyncOptions& options, const ServerUrl& server, const Tuning& tuning,
                const std::vector<RunModel>& runs) {
  const Result<Credentials> credentials = find_credentials(server.host);
  if (!credentials.ok()) {
    complain(credentials.status().message());
    return ExitCode::kUnauthorized;
  }
  for (const std::string& warning : credentials.value().warnings) complain(warning);
  const Result<std::unique_ptr<Ledger>> ledger =
      Ledger::open(state_directory(options.paths.front(), options.state_dir));
  if (!ledger.ok()) {
    complain(ledger.status().message());
    return ledger.status().code() == Code::kTimeout ? ExitCode::kUnavailable : ExitCode::kNoState;
  }
  watch_for_interrupt();
  EngineOptions engine{.kind = "wandb", .base_url = server.text};
  engine.now_wall_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  engine.batch_bytes_max = tuning.request_bytes;
  const auto make_sink = [&] {
    return make_wandb_sink({.base_url = server.text, .version = WB_VERSION}, credentials.value().key,
                           make_http_transport(http_options(tuning.policy, server)));
  };
  SystemClock clock;
  EngineCounters counters;
  SyncReport report{.target = "wandb:" + server.text, .base_url = server.text};
  {
    const Progress progress(counters, row_count_of(runs), runs.size());
    report.runs = sync_runs(runs, *ledger.value(), make_sink, tuning.policy, clock, engine, options.jobs, counters);
  }
  const ExitCode exit_code = was_interrupted() ? ExitCode::kInterrupted : sync_exit_code(report);
  if (options.json) {
    print_sync_json(runs, report, exit_code);
  } else {
    print_sync_report(runs, report);
  }
  return exit_code;
}

void print_stored(const RunModel& run, bool written) {
  std::printf("{\"run\":%s,\"project\":%s,\"group\":%s,\"name\":%s,\"state\":%s,\"outcome\":\"%s\",\"rows\":%llu}\n",
              json_string(run.id).c_str(), json_string(run.project).c_str(), json_string(run.group).c_str(),
              json_string(run.shown_name()).c_str(), json_string(run_state_name(run.state)).c_str(),
              written ? "stored" : "unchanged", static_cast<unsigned long long>(run.row_count));
}

ExitCode fill_store(const SyncOptions& options, const std::vector<RunModel>& runs) {
  const std::string directory = state_directory(options.paths.front(), options.state_dir);
  const std::string path = directory + "/store.db";
  if (options.dry_run) {
    std::printf("would fill %s from %zu runs\n", printable(path).c_str(), runs.size());
    return ExitCode::kOk;
  }
  EngineCounters counters;
  Result<StoreReport> report = Status(Code::kInternal, "the store was not filled");
  {
    const Progress progress(counters, row_count_of(runs), runs.size());
    report = update_store(path, runs, [&](const RunModel& run, std::size_t done, std::size_t, bool written) {
      counters.lines_done.fetch_add(run.row_count, std::memory_order_relaxed);
      counters.runs_done.store(done, std::memory_order_relaxed);
      if (options.json) print_stored(run, written);
    });
  }
  if (!report.ok()) {
    complain(report.status().message());
    return report.status().code() == Code::kTimeout ? ExitCode::kUnavailable : ExitCode::kNoState;
  }
  for (const Status& failure : report.value().failures) complain(failure.message());
  const StoreReport& stored = report.value();
  const ExitCode exit_code = stored.failures.empty() ? ExitCode::kOk : ExitCode::kDamage;
  if (options.json) {
    std::printf(
        "{\"summary\":{\"target\":\"store\",\"path\":%s,\"runs\":%zu,\"stored\":%llu,\"unchanged\":%llu,"
        "\"exit_code\":%d}}\n",
        json_string(path).c_str(), runs.size(), static_cast<unsigned long long>(stored.written_count),
        static_cast<unsigned long long>(stored.unchanged_count), static_cast<int>(exit_code));
  } else {
    std::printf("%zu run%s in %s (%llu new or changed)\n", runs.size(), runs.size() == 1 ? "" : "s",
                printable(path).c_str(), static_cast<unsigned long long>(stored.written_count));
    std::printf("To upload them: WANDB_API_KEY=... wbsync %s --to wandb:%s\n", printable(options.paths.front()).c_str(),
                kWandbDefaultUrl);
  }
  return exit_code;
}

}  // namespace

ExitCode run_sync(const SyncOptions& options) {
  const Result<SyncTarget> target = choose_target(options.to);
  if (!target.ok()) {
    complain(target.status().message());
    return ExitCode::kUsage;
  }
  const Result<Tuning> tuning = read_tuning();
  if (!tuning.ok()) {
    complain(tuning.status().message());
    return ExitCode::kUsage;
  }
  Discovery discovery = discover(options.paths);
  print_problems(discovery);
  const ExitCode found = discovery_exit_code(discovery);
  if (discovery.runs.empty()) return found;
  if (const Status status = apply_overrides(options, discovery.runs); !status.ok()) {
    complain(status.message());
    return ExitCode::kUsage;
  }
  if (target.value().is_store) return worse(found, fill_store(options, discovery.runs));
  if (options.dry_run) {
    const std::string state_dir = state_directory(options.paths.front(), options.state_dir);
    return worse(found, dry_run(state_dir, target.value().server, discovery.runs));
  }
  return worse(found, upload(options, target.value().server, tuning.value(), discovery.runs));
}

}  // namespace wb
