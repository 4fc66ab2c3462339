// wb_kills: the kill campaign, and its parts for use under a scheduler.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/kills/kills.h"
#include "tests/kills/oom_case.h"

namespace wb::test {
namespace {

constexpr char kHelp[] =
    "wb_kills campaign [--count N] [--seed S] [--directory DIR]   kills at random moments\n"
    "wb_kills oom [--count N] [--seed S] [--directory DIR]        out-of-memory kills in cgroups, as root\n"
    "  Both end with \"N passed, N failed\".\n"
    "wb_kills rank --board FILE --directory DIR --seed S [--term finish|die]\n"
    "  Logs until it is killed; FILE says what was accepted.\n"
    "wb_kills check --board FILE\n"
    "  Holds that rank's journal against it: one line of JSON.\n";

using Arguments = std::map<std::string, std::string>;

std::string value(const Arguments& arguments, const std::string& name, const std::string& otherwise) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? otherwise : found->second;
}

int run_campaign(const Arguments& arguments) {
  const std::uint64_t count = std::strtoull(value(arguments, "--count", "10000").c_str(), nullptr, 10);
  const std::string seed_text = value(arguments, "--seed", std::to_string(std::random_device()()));
  const std::string directory =
      std::filesystem::absolute(value(arguments, "--directory", WB_BINARY_DIR "/kills")).string();
  std::printf("seed %s\n", seed_text.c_str());
  const KillPlan plan = plan_kills(std::strtoull(seed_text.c_str(), nullptr, 10), count, WB_BINARY_DIR, directory);
  const KillTotals totals = run_kills(plan);
  std::uint64_t planned = 0;
  for (const std::uint64_t of_kind : plan.counts) planned += of_kind;
  const std::uint64_t missing = planned - totals.cases();  // A slot died.
  std::printf("%s%llu files left in /dev/shm\n", describe(totals).c_str(),
              static_cast<unsigned long long>(totals.left_rings));
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(totals.cases() - totals.failed()),
              static_cast<unsigned long long>(totals.failed() + missing));
  return totals.ran && totals.failed() + missing + totals.left_rings == 0 ? 0 : 1;
}

int run_oom(const Arguments& arguments) {
  const std::uint64_t count = std::strtoull(value(arguments, "--count", "200").c_str(), nullptr, 10);
  const std::string seed_text = value(arguments, "--seed", std::to_string(std::random_device()()));
  const std::string directory =
      std::filesystem::absolute(value(arguments, "--directory", WB_BINARY_DIR "/oom")).string();
  if (const std::string why = no_memory_groups(); !why.empty()) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 1;
  }
  std::printf("seed %s\n", seed_text.c_str());
  const KillPlan plan = plan_kills(0, 0, WB_BINARY_DIR, directory);
  const OomTotals totals =
      run_oom_kills(std::strtoull(seed_text.c_str(), nullptr, 10), count, plan.programs, directory);
  std::uint64_t cases = 0, failed = 0;
  for (std::size_t kind = 0; kind < kOomKindCount; ++kind) {
    std::printf("%s: %llu cases, %llu failed; %llu rows accepted\n",
                std::string(oom_kind_name(static_cast<OomKind>(kind))).c_str(),
                static_cast<unsigned long long>(totals.cases[kind]),
                static_cast<unsigned long long>(totals.failed[kind]),
                static_cast<unsigned long long>(totals.accepted_rows[kind]));
    cases += totals.cases[kind];
    failed += totals.failed[kind];
  }
  std::printf("%llu processes killed by the kernel\n", static_cast<unsigned long long>(totals.kernel_kills));
  failed += count - cases;
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(count - failed),
              static_cast<unsigned long long>(failed));
  return totals.ran && failed == 0 ? 0 : 1;
}

int run_one_rank(const Arguments& arguments) {
  RankBoard* const board = map_board(value(arguments, "--board", ""));
  if (board == nullptr) return 1;
  RankPlan plan{.seed = std::strtoull(value(arguments, "--seed", "1").c_str(), nullptr, 10),
                .directory = value(arguments, "--directory", "")};
  plan.pace = Pace::kSlow;
  plan.finishes_on_term = value(arguments, "--term", "die") == "finish";
  return run_rank(*board, plan);
}

int run_check(const Arguments& arguments) {
  const RankBoard* const board = map_board(value(arguments, "--board", ""));
  if (board == nullptr) return 1;
  const JournalVerdict verdict = check_journal(board->directory.data(), board->stem.data(), *board);
  const auto accepted_ns = [&](std::uint64_t row) { return board->accepted_ns[row % kTimesKept].load(); };
  std::int64_t last_ns = 0;
  for (const auto& time : board->accepted_ns) last_ns = std::max(last_ns, time.load());
  const std::int64_t lost_ns = verdict.lost_count == 0 ? 0 : last_ns - accepted_ns(verdict.first_lost_row);
  const nlohmann::json line = {{"journal", board->stem.data()},
                               {"accepted", board->accepted_count()},
                               {"read", verdict.read_count},
                               {"lost", verdict.lost_count},
                               {"lost_ms", static_cast<double>(lost_ns) / 1e6},
                               {"finishes", verdict.finish_count},
                               {"deaths", verdict.death_count},
                               {"signals", verdict.signal_count},
                               {"ended", !verdict.ends_open},
                               {"errors", verdict.errors}};
  std::puts(line.dump().c_str());
  return verdict.errors.empty() ? 0 : 1;
}

int run(int count, char** texts) {
  const std::string command = count > 1 ? texts[1] : "";
  Arguments arguments;
  for (int i = 2; i + 1 < count; i += 2) arguments[texts[i]] = texts[i + 1];
  if (command == "campaign") return run_campaign(arguments);
  if (command == "oom") return run_oom(arguments);
  if (command == "rank") return run_one_rank(arguments);
  if (command == "check") return run_check(arguments);
  std::fputs(kHelp, stderr);
  return 2;
}

}  // namespace
}  // namespace wb::test

int main(int count, char** arguments) {
  return wb::test::run(count, arguments);
}
