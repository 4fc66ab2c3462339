// Twelve faults under a logging process: no call waits, the exit does not wait, and every row is there or named.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/freeze/faults.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/sandbox.h"
#include "wb/status.h"

namespace wb::test {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kLogNsMax = 1 * kNsPerMs;
constexpr std::int64_t kExitNsMax = 200 * kNsPerMs;
constexpr int kResumeSeconds = 20;  // The keeper tries again every five seconds.

/// The fault's own time, or WB_FREEZE_SECONDS for all.
int fault_seconds(const FaultKind& kind) {
  const char* const wanted = std::getenv("WB_FREEZE_SECONDS");
  return wanted != nullptr ? std::atoi(wanted) : kind.seconds;
}

std::int64_t gap_sum(const JournalContent& content) {
  std::int64_t sum = 0;
  for (const auto& gap : content.gaps) sum += gap.at("count");
  return sum;
}

bool is_in_a_gap(const JournalContent& content, std::int64_t step) {
  return std::any_of(content.gaps.begin(), content.gaps.end(),
                     [step](const auto& gap) { return gap.at("first_step") <= step && step <= gap.at("last_step"); });
}

/// Every call of log() was accepted and is there, once and in order, or was dropped and is named.
void expect_complete(const std::string& directory, const TrainerReport& report, bool can_be_tail) {
  ASSERT_TRUE(eventually(
      [&] {
        const bool has_tail = !files_ending_in(directory, ".tail").empty();
        return (!has_tail || can_be_tail) && !read_only_journal(directory).scan.ends_open;
      },
      60))
      << directory;
  const JournalContent content = read_only_journal(directory);
  EXPECT_TRUE(content.scan.damage.empty());
  EXPECT_TRUE(is_each_once(content.sequences, content.sequences.empty() ? 0 : content.sequences.back()));
  EXPECT_EQ(report.accepted.load() + report.dropped.load(), report.called.load());
  EXPECT_EQ(content.steps.size(), report.accepted.load());
  EXPECT_EQ(gap_sum(content), static_cast<std::int64_t>(report.dropped.load()));
  std::uint64_t wrong_count = 0;
  std::size_t at = 0;
  for (std::uint64_t call = 0; call < report.called.load(); ++call) {
    const auto step = static_cast<std::int64_t>(call);
    const bool is_there = at < content.steps.size() && content.steps[at] == step;
    if (is_there) ++at;
    const bool is_right = report.was_accepted(call) ? is_there : !is_there && is_in_a_gap(content, step);
    wrong_count += is_right ? 0 : 1;
  }
  EXPECT_EQ(wrong_count, 0U) << "rows that are neither there nor named, or both";
  EXPECT_EQ(content.kinds.at(Kind::kFinish), 1);
}

/// One warning a minute, which says what to do; none is asked for where `advice` is empty.
void expect_warned(const TrainerProcess& trainer, const std::string& advice, int seconds) {
  std::vector<std::string> warnings = trainer.said();
  std::erase_if(warnings, [](const std::string& line) {
    return line.find("finish:") != std::string::npos || line.find("logging run") != std::string::npos;
  });
  std::string all;
  for (const std::string& line : warnings) all += "\n  " + line;
  if (!advice.empty()) {
    EXPECT_GE(warnings.size(), 1U);
    EXPECT_NE(all.find(advice), std::string::npos) << all;
  }
  EXPECT_LE(warnings.size(), 1U + static_cast<std::size_t>(seconds + 2 * kResumeSeconds) / 60U) << all;
}

void print_figures(const std::string& what, const TrainerReport& report, std::int64_t exit_ns) {
  std::printf(
      "%s: %llu calls, %llu dropped; longest call %.3f ms, %llu that slept %.3f ms, %llu disturbed %.3f ms; exit %.0f "
      "ms\n",
      what.c_str(), static_cast<unsigned long long>(report.called.load()),
      static_cast<unsigned long long>(report.dropped.load()), static_cast<double>(report.worst_ns.load()) / 1e6,
      static_cast<unsigned long long>(report.slept.load()), static_cast<double>(report.slept_ns.load()) / 1e6,
      static_cast<unsigned long long>(report.disturbed.load()), static_cast<double>(report.disturbed_ns.load()) / 1e6,
      static_cast<double>(exit_ns) / 1e6);
}

struct Cell {
  FaultKind kind;
  Language language;
};

void PrintTo(const Cell& cell, std::ostream* to) {
  *to << cell.kind.name;
}

class FaultCell : public testing::TestWithParam<Cell> {
 protected:
  static void SetUpTestSuite() { enter_sandbox(); }
};

// Method: two processes log into a ring of 1 MiB on the same file system. Under the fault one goes on and the other
// finishes; the fault ends, the first one's journal must catch up by itself, and then it finishes too.
TEST_P(FaultCell, NoCallAndNoExitWaitsAndEveryRowIsThereOrNamed) {
  const auto& [kind, language] = GetParam();
  const int seconds = fault_seconds(kind);
  const double rate = language == Language::kCpp ? 5000 : 1000;
  const std::unique_ptr<Fault> fault = kind.make(seconds);
  const std::vector<std::string> settings = {"WB_RING_BYTES=1048576"};
  TrainerProcess lasting(language, fault->directory() + "/lasting", rate, settings);
  TrainerProcess ending(language, fault->directory() + "/ending", rate, settings);
  for (const TrainerProcess* trainer : {&lasting, &ending}) {
    ASSERT_NO_FATAL_FAILURE(trainer->await_logging());
    ASSERT_TRUE(eventually([&] { return trainer->report().called.load() > 200; }));
  }
  fault->begin({&lasting, &ending});
  const std::uint64_t called_before = lasting.report().called.load();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const TrainerEnd end = ending.finish();
  print_figures(kind.name + ", ended under the fault", ending.report(), end.exit_ns);
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_LE(end.exit_ns - end.waited_ns, kExitNsMax) << "waited for a processor: " << end.waited_ns;
  const std::uint64_t called_under = lasting.report().called.load();
  EXPECT_GT(called_under, called_before + 500U * static_cast<unsigned>(seconds)) << "it hardly logged: nothing shown";
  fault->end();

  const std::string run = fault->directory() + "/lasting/run";
  EXPECT_TRUE(eventually(
      [&] {
        const JournalContent content = read_only_journal(run);
        return !content.steps.empty() && content.steps.back() > static_cast<std::int64_t>(called_under) &&
               gap_sum(content) == static_cast<std::int64_t>(lasting.report().dropped.load());
      },
      kResumeSeconds))
      << "the keeper did not go on by itself";
  const TrainerEnd last_end = lasting.finish();
  print_figures(kind.name + ", outlived the fault", lasting.report(), last_end.exit_ns);
  EXPECT_EQ(last_end.exit_code, 0);
  for (const TrainerProcess* trainer : {&lasting, &ending}) {
    SCOPED_TRACE(trainer == &lasting ? "outlived the fault" : "ended under the fault");
    EXPECT_LE(trainer->report().worst_ns.load(), static_cast<std::uint64_t>(kLogNsMax));
    expect_warned(*trainer, kind.advice, seconds);
    const bool can_be_tail = trainer == &ending && !kind.can_seal;
    expect_complete(fault->directory() + (trainer == &lasting ? "/lasting/run" : "/ending/run"), trainer->report(),
                    can_be_tail);
  }
}

std::vector<Cell> cells_in(Language language) {
  std::vector<Cell> cells;
  for (const FaultKind& kind : fault_kinds()) cells.push_back({kind, language});
  return cells;
}

std::string name_of(const testing::TestParamInfo<Cell>& cell) {
  return cell.param.kind.name;
}

INSTANTIATE_TEST_SUITE_P(Cpp, FaultCell, testing::ValuesIn(cells_in(Language::kCpp)), name_of);
INSTANTIATE_TEST_SUITE_P(Python, FaultCell, testing::ValuesIn(cells_in(Language::kPython)), name_of);

}  // namespace
}  // namespace wb::test
