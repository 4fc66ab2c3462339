// A training process for the n-th failures: opens a run, logs, flushes and finishes, and tells which part it is in.
// Usage: wb_nth_trainer REPORT_DESCRIPTOR DIRECTORY. Exit code 0, or 10 if the run could not be opened.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/nth/phase.h"
#include "tests/nth/report.h"
#include "wb/run.h"

namespace wb::test {
namespace {

int train(NthReport& report, const char* directory) {
  Options options;
  options.directory = directory;
  options.id = "run";
  options.project = "a project whose name needs memory of its own";
  options.config = {{"lr", "0.1"}, {"network", R"({"layers":[1,2,3]})"}};
  options.ring_bytes = 1U << 20;
  enter(Phase::kOpen);
  auto run = Run::open(options);
  enter(Phase::kNone);
  if (!run.ok()) return 10;
  enter(Phase::kLog);
  for (std::uint64_t call = 0; call < kNthCalls; ++call) {
    const Metric row[] = {{"call", static_cast<std::int64_t>(call)},
                          {call < kNthCalls / 2 ? "a/name/that/is/longer" : "another/name/that/comes/later", 0.5}};
    if (run.value()->log(row)) report.accepted[call].store(1);
  }
  const Metric best{"a/summary/value/with/a/long/name", 7};
  report.summary_code.store(static_cast<std::uint32_t>(run.value()->update_summary(std::span(&best, 1)).code()));
  enter(Phase::kFlush);
  report.flush_code.store(static_cast<std::uint32_t>(run.value()->flush(std::chrono::milliseconds(2000)).code()));
  enter(Phase::kFinish);
  report.finish_code.store(static_cast<std::uint32_t>(run.value()->finish(0).code()));
  report.dropped.store(run.value()->counts().dropped);
  run.value().reset();
  enter(Phase::kNone);
  return 0;
}

}  // namespace
}  // namespace wb::test

int main(int count, char** arguments) {
  if (count != 3) return 2;
  void* const memory =
      mmap(nullptr, sizeof(wb::test::NthReport), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(arguments[1]), 0);
  if (memory == MAP_FAILED) return 2;
  return wb::test::train(*static_cast<wb::test::NthReport*>(memory), arguments[2]);
}
