// The decision what happens to a run, and the threads that work on many.
#include "sync/engine.h"

#include <algorithm>
#include <random>
#include <thread>

#include "sync/engine_run.h"

namespace wb {

RunReport sync_run(const RunModel& run, Ledger& ledger, Courier& courier, const EngineOptions& options,
                   EngineCounters& counters) {
  RunSync steps(run, ledger, courier, options, counters);
  // Fields before lines, old lines before new ones, the end last: what the server shows is never ahead of its rows.
  const bool done = steps.look_up() && steps.upsert_if_changed() && steps.resend_assigned() && steps.send_new() &&
                    steps.finish_with_registers();
  RunReport report = steps.take_report();
  if (done != report.status.ok()) report.exit_code = ExitCode::kInternal;
  counters.runs_done.fetch_add(1, std::memory_order_relaxed);
  return report;
}

std::vector<RunReport> sync_runs(const std::vector<RunModel>& runs, Ledger& ledger,
                                 const std::function<std::unique_ptr<Sink>()>& make_sink, const RetryPolicy& policy,
                                 Clock& clock, const EngineOptions& options, int jobs, EngineCounters& counters) {
  std::vector<RunReport> reports(runs.size());
  TargetGate gate;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    const std::unique_ptr<Sink> sink = make_sink();
    std::minstd_rand generator(std::random_device{}());
    std::uniform_real_distribution<double> random(0, 1);
    Courier courier(*sink, gate, clock, policy, [&] { return random(generator); });
    // Each thread writes only the reports whose index it drew.
    for (std::size_t index = next.fetch_add(1); index < runs.size(); index = next.fetch_add(1)) {
      reports[index] = sync_run(runs[index], ledger, courier, options, counters);
    }
  };
  std::vector<std::jthread> threads;
  const std::size_t thread_count = std::min(runs.size(), static_cast<std::size_t>(std::max(1, jobs)));
  for (std::size_t i = 0; i < thread_count; ++i) threads.emplace_back(work);
  threads.clear();  // Joins.
  return reports;
}

}  // namespace wb
