// Slots take the next case each; what they find goes into memory that all of them share.
#include "tests/kills/kills.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <new>
#include <utility>

#include "tests/kills/arena.h"

namespace wb::test {
namespace {

constexpr int kSlots = 8;
constexpr std::int64_t kStepLossNs = 10'000'000;  // As promised.
constexpr std::size_t kLostTimesMax = 1U << 14;

/// Out of 100 cases of the campaign.
constexpr std::array<std::uint64_t, kKillKindCount> kShares = {24, 14, 16, 20, 8, 8, 10};

struct SharedTotals {
  std::atomic<std::uint64_t> cases, failed, accepted_rows, read_rows, refused_rows, lost_rows, rescued, respawned,
      finished;
};

struct Shared {
  std::atomic<std::uint64_t> next_case;
  std::array<SharedTotals, kKillKindCount> kinds;
  std::atomic<std::uint64_t> left_rings;
  std::atomic<std::uint64_t> lost_time_count;
  std::array<std::atomic<std::int64_t>, kLostTimesMax> lost_ns;
};

void add(Shared& shared, KillKind kind, const CaseOutcome& outcome) {
  SharedTotals& to = shared.kinds[static_cast<std::size_t>(kind)];
  to.cases += 1;
  to.failed += outcome.errors.empty() ? 0 : 1;
  to.accepted_rows += outcome.accepted_count;
  to.read_rows += outcome.read_count;
  to.refused_rows += outcome.refused_count;
  to.lost_rows += outcome.lost_count;
  to.rescued += outcome.is_rescued ? 1 : 0;
  to.respawned += outcome.is_respawned ? 1 : 0;
  to.finished += outcome.is_finished ? 1 : 0;
  if (outcome.lost_count == 0) return;
  const std::uint64_t place = shared.lost_time_count.fetch_add(1);
  if (place < kLostTimesMax) shared.lost_ns[place].store(outcome.lost_ns);
}

/// The kinds of the cases that are run alone, in random order.
std::vector<KillKind> shuffled_kinds(const KillPlan& plan) {
  std::vector<KillKind> kinds;
  for (std::size_t kind = 0; kind < kKillKindCount; ++kind) {
    if (!is_of_a_team(static_cast<KillKind>(kind))) {
      kinds.insert(kinds.end(), plan.counts[kind], static_cast<KillKind>(kind));
    }
  }
  std::mt19937_64 random(plan.seed);
  std::shuffle(kinds.begin(), kinds.end(), random);
  return kinds;
}

void tell(const KillCase& what, const CaseOutcome& outcome) {
  for (const std::string& error : outcome.errors) {
    std::fprintf(stderr, "%s, seed %llu, %s: %s\n", std::string(kill_kind_name(what.kind)).c_str(),
                 static_cast<unsigned long long>(what.seed), what.directory.c_str(), error.c_str());
  }
}

constexpr char kFailedMark[] = "/FAILED";

void mark_failed(const std::string& directory) {
  std::ofstream(directory + kFailedMark) << "kept for a look\n";
}

void remove_passed(const std::string& directory) {
  std::error_code error;
  if (!directory.empty() && !std::filesystem::exists(directory + kFailedMark)) {
    std::filesystem::remove_all(directory, error);
  }
}

void remove_all_passed(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> cases;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.is_directory()) cases.push_back(entry.path());
  }
  for (const std::string& path : cases) remove_passed(path);
}

void run_slot(const KillPlan& plan, const std::vector<KillKind>& kinds, Shared& shared) {
  RankBoard* const board = map_board();
  std::string last_directory;
  for (std::uint64_t number = 0; (number = shared.next_case.fetch_add(1)) < kinds.size();) {
    const KillCase what{kinds[number], mixed(plan.seed, number), plan.directory + "/alone" + std::to_string(number)};
    const CaseOutcome outcome = run_alone(what, *board, plan.programs);
    tell(what, outcome);
    add(shared, what.kind, outcome);
    if (!outcome.errors.empty()) mark_failed(what.directory);
    // One late: a neighbour's keeper may still be sealing the journal that it rescued.
    remove_passed(std::exchange(last_directory, what.directory));
  }
}

void run_teams(const KillPlan& plan, Shared& shared) {
  std::vector<RankBoard*> boards;
  for (int rank = 0; rank < kTeamRanks; ++rank) boards.push_back(map_board());
  std::uint64_t number = 0;
  std::string last_directory;
  for (const KillKind kind : {KillKind::kGroup, KillKind::kStep, KillKind::kStepWiped}) {
    for (std::uint64_t done = 0; done < plan.counts[static_cast<std::size_t>(kind)]; done += kTeamRanks, ++number) {
      const KillCase what{kind, mixed(plan.seed + 1, number), plan.directory + "/team" + std::to_string(number)};
      bool is_clean = true;
      for (const CaseOutcome& outcome : run_team(what, boards, plan.programs)) {
        tell(what, outcome);
        add(shared, kind, outcome);
        is_clean = is_clean && outcome.errors.empty();
      }
      if (!is_clean) mark_failed(what.directory);
      remove_passed(std::exchange(last_directory, what.directory));
    }
  }
}

std::uint64_t count_rings() {
  std::uint64_t count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", error)) {
    count += entry.file_size(error) > 0 ? 1 : 0;  // An empty one's maker was killed before it could lock it.
  }
  return count;
}

int run_all(const KillPlan& plan, Shared& shared) {
  const std::vector<KillKind> kinds = shuffled_kinds(plan);
  std::vector<pid_t> slots;
  for (int slot = 0; slot < kSlots; ++slot) {
    slots.push_back(start_slot([&] { run_slot(plan, kinds, shared); }));
  }
  await_slots(slots);
  await_slots({start_slot([&] { run_teams(plan, shared); })});
  await_slots({start_slot([&] { run_program({plan.programs.wbkeep, "--rescue"}); })});
  shared.left_rings = count_rings();
  remove_all_passed(plan.directory);
  return 0;
}

KindTotals plain(const SharedTotals& totals) {
  return {.cases = totals.cases,
          .failed = totals.failed,
          .accepted_rows = totals.accepted_rows,
          .read_rows = totals.read_rows,
          .refused_rows = totals.refused_rows,
          .lost_rows = totals.lost_rows,
          .rescued = totals.rescued,
          .respawned = totals.respawned,
          .finished = totals.finished,
          .lost_ns = {}};
}

/// How old the oldest lost row of each journal was.
std::string describe_ages(const std::vector<std::int64_t>& sorted_ns) {
  const auto ms = [&](std::size_t place) { return static_cast<double>(sorted_ns[place]) / 1e6; };
  const auto over = std::upper_bound(sorted_ns.begin(), sorted_ns.end(), kStepLossNs);
  char line[200];
  std::snprintf(line, sizeof line,
                "  what %zu journals lost was at most: median %.1f ms, 99 %% %.1f ms, most %.1f ms old; ",
                sorted_ns.size(), ms(sorted_ns.size() / 2), ms(sorted_ns.size() * 99 / 100), ms(sorted_ns.size() - 1));
  return line + std::to_string(over - sorted_ns.begin()) + " within the 10 ms\n";
}

}  // namespace

std::uint64_t KillTotals::cases() const {
  std::uint64_t sum = 0;
  for (const KindTotals& kind : kinds) sum += kind.cases;
  return sum;
}

std::uint64_t KillTotals::failed() const {
  std::uint64_t sum = 0;
  for (const KindTotals& kind : kinds) sum += kind.failed;
  return sum;
}

KillPlan plan_kills(std::uint64_t seed, std::uint64_t count, const std::string& binary_directory,
                    const std::string& directory) {
  KillPlan plan{.seed = seed, .counts = {}, .programs = {}, .directory = directory};
  for (std::size_t kind = 0; kind < kKillKindCount; ++kind) {
    plan.counts[kind] = count * kShares[kind] / 100;
    if (is_of_a_team(static_cast<KillKind>(kind))) {
      plan.counts[kind] = (plan.counts[kind] + kTeamRanks - 1) / kTeamRanks * kTeamRanks;
    }
  }
  std::error_code error;
  std::filesystem::remove_all(directory, error);  // Of an earlier campaign.
  std::filesystem::create_directories(directory);
  plan.programs = {.wbkeep = binary_directory + "/bin/wbkeep",
                   .wbsync = binary_directory + "/bin/wbsync",
                   .small_tails = directory + "/wbkeep-small-tails"};
  std::ofstream(plan.programs.small_tails) << "#!/bin/sh\nexec " << plan.programs.wbkeep << " --tail-bytes 200000\n";
  ::chmod(plan.programs.small_tails.c_str(), 0755);
  return plan;
}

KillTotals run_kills(const KillPlan& plan) {
  void* place = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Shared& shared = *::new (place) Shared{};
  KillTotals totals;
  totals.ran = run_in_arena([&] { return run_all(plan, shared); }) == 0;
  for (std::size_t kind = 0; kind < kKillKindCount; ++kind) totals.kinds[kind] = plain(shared.kinds[kind]);
  totals.left_rings = shared.left_rings;
  std::vector<std::int64_t>& lost_ns = totals.kinds[static_cast<std::size_t>(KillKind::kStepWiped)].lost_ns;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(shared.lost_time_count, kLostTimesMax); ++i) {
    lost_ns.push_back(shared.lost_ns[i]);
  }
  std::sort(lost_ns.begin(), lost_ns.end());
  ::munmap(place, sizeof(Shared));
  return totals;
}

std::string describe(const KillTotals& totals) {
  std::string text;
  for (std::size_t kind = 0; kind < kKillKindCount; ++kind) {
    const KindTotals& of = totals.kinds[kind];
    if (of.cases == 0) continue;
    text += std::string(kill_kind_name(static_cast<KillKind>(kind))) + ": " + std::to_string(of.cases) + " kills, " +
            std::to_string(of.failed) + " failed; rows: " + std::to_string(of.accepted_rows) + " accepted, " +
            std::to_string(of.read_rows) + " read, " + std::to_string(of.lost_rows) + " lost, " +
            std::to_string(of.refused_rows) + " refused for want of room; journals: " + std::to_string(of.rescued) +
            " rescued, " + std::to_string(of.respawned) + " with another keeper, " + std::to_string(of.finished) +
            " finished\n";
    if (!of.lost_ns.empty()) text += describe_ages(of.lost_ns);
  }
  return text;
}

}  // namespace wb::test
