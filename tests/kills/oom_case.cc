// oom_score_adj says whom the kernel is to choose.
#include "tests/kills/oom_case.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>

#include "tests/kills/after_kill.h"
#include "tests/kills/arena.h"
#include "tests/kills/memory_group.h"

namespace wb::test {
namespace {

constexpr std::uint64_t kLimitBytes = 96U << 20;
constexpr int kSlots = 4;
constexpr std::int64_t kKillMs = 60'000;
constexpr int kFirst = 1'000;

void choose(pid_t pid, int score) {
  std::ofstream("/proc/" + std::to_string(pid) + "/oom_score_adj") << score;
}

bool is_gone(pid_t pid) {
  return ::kill(pid, 0) != 0;
}

/// Processes that fill the group, each with a part of it, until they are killed with their scope. The kernel may choose
/// one of them after all: then another takes its place.
class Hogs {
 public:
  explicit Hogs(const MemoryGroup& group) : group_(group) {
    for (pid_t& hog : hogs_) hog = start();
  }
  ~Hogs() {
    for (const pid_t hog : hogs_) ::kill(hog, SIGKILL);
    for (const pid_t hog : hogs_) ::waitpid(hog, nullptr, 0);
  }
  Hogs(const Hogs&) = delete;
  Hogs& operator=(const Hogs&) = delete;

  void replace_dead() {
    for (pid_t& hog : hogs_) {
      if (::waitpid(hog, nullptr, WNOHANG) == hog) hog = start();
    }
  }

 private:
  pid_t start() const {
    const pid_t hog = ::fork();
    if (hog != 0) return hog;
    std::ofstream(group_.members_file()) << "0" << std::flush;
    constexpr std::size_t kStepBytes = 64U << 10;
    while (true) {
      void* place = ::mmap(nullptr, kStepBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (place != MAP_FAILED) std::memset(place, 1, kStepBytes);
    }
  }

  const MemoryGroup& group_;
  std::array<pid_t, 4> hogs_{};
};

/// Lets the kernel kill those of trainer and keeper that the kind says. False: it did not.
bool starve(Victim& victim, pid_t keeper, OomKind kind, const MemoryGroup& group) {
  const bool of_trainer = kind != OomKind::kKeeper;
  const bool of_keeper = kind == OomKind::kKeeper || kind == OomKind::kBoth;
  if (of_trainer) choose(victim.pid(), kFirst);
  if (of_keeper) choose(keeper, kFirst);
  const auto is_over = [&] { return (!of_trainer || victim.has_ended()) && (!of_keeper || is_gone(keeper)); };
  if (kind == OomKind::kTrainerGrows) {
    victim.board().command.store(RankCommand::kGrow);
    return await(is_over, kKillMs);
  }
  Hogs hogs(group);
  return await(
      [&] {
        hogs.replace_dead();
        return is_over();
      },
      kKillMs);
}

void finish_with_another_keeper(Victim& victim, pid_t first, CaseOutcome& outcome) {
  victim.board().command.store(RankCommand::kFlush);
  outcome.is_respawned = await([&] { return victim.keeper() != first; }, kKillMs);
  if (!outcome.is_respawned) outcome.errors.push_back("no other keeper came");
  victim.board().command.store(RankCommand::kFinish);
  if (!await([&] { return victim.has_ended(); }, kKillMs)) outcome.errors.push_back("the trainer hangs in finish()");
  if (victim.end() != 0) outcome.errors.push_back("the trainer did not end with 0");
}

CaseOutcome run_case(OomKind kind, std::uint64_t seed, const std::string& directory, RankBoard& board,
                     const KillPrograms& programs, std::uint64_t& kernel_kills) {
  std::mt19937_64 random(seed);
  CaseOutcome outcome;
  std::string why;
  const auto group = MemoryGroup::make(
      "wb-" + std::filesystem::path(directory).filename().string() + "-" + std::to_string(seed), kLimitBytes, why);
  if (!group) {
    outcome.errors.push_back(why);
    return outcome;
  }
  RankPlan plan{.seed = random(), .directory = directory, .run_id = "rank0", .keeper = programs.wbkeep};
  plan.ring_bytes = 1U << 20;
  plan.pace = static_cast<Pace>(random() % 3);
  plan.cgroup = group->members_file();
  Victim victim(board, plan);
  victim.start();
  await([&] { return victim.is_in(RankPhase::kLogging) && victim.keeper() != 0; }, kKillMs);
  const pid_t keeper = victim.keeper();
  ::usleep(static_cast<useconds_t>(random() % 60'000));
  if (!starve(victim, keeper, kind, *group)) outcome.errors.push_back("the kernel killed nobody");
  if (kind == OomKind::kKeeper) finish_with_another_keeper(victim, keeper, outcome);
  victim.end();
  if (!complete_journal(victim, programs, random, outcome)) outcome.errors.push_back("its ring is still there");
  kernel_kills = group->kill_count();
  const bool keeper_lived = (kind == OomKind::kTrainer || kind == OomKind::kTrainerGrows) && kernel_kills == 1;
  judge(victim, {.is_sealed = keeper_lived && !outcome.is_rescued}, programs, outcome);
  const std::uint64_t expected_kills = kind == OomKind::kBoth ? 2 : 1;
  if (kernel_kills < expected_kills) {
    outcome.errors.push_back("the cgroup counts " + std::to_string(kernel_kills) + " kills");
  }
  return outcome;
}

struct Shared {
  std::atomic<std::uint64_t> next_case, kernel_kills;
  std::array<std::atomic<std::uint64_t>, kOomKindCount> cases, failed, accepted_rows;
};

void run_slot(std::uint64_t seed, std::uint64_t count, const KillPrograms& programs, const std::string& directory,
              Shared& shared) {
  RankBoard* const board = map_board();
  for (std::uint64_t number = 0; (number = shared.next_case.fetch_add(1)) < count;) {
    const auto kind = static_cast<OomKind>(number % kOomKindCount);
    const std::string place = directory + "/oom" + std::to_string(number);
    std::uint64_t kernel_kills = 0;
    const CaseOutcome outcome = run_case(kind, mixed(seed, number), place, *board, programs, kernel_kills);
    for (const std::string& error : outcome.errors) {
      std::fprintf(stderr, "%s, seed %llu, case %llu, %s: %s\n", std::string(oom_kind_name(kind)).c_str(),
                   static_cast<unsigned long long>(seed), static_cast<unsigned long long>(number), place.c_str(),
                   error.c_str());
    }
    shared.cases[number % kOomKindCount] += 1;
    shared.failed[number % kOomKindCount] += outcome.errors.empty() ? 0 : 1;
    shared.accepted_rows[number % kOomKindCount] += outcome.accepted_count;
    shared.kernel_kills += kernel_kills;
    std::error_code error;
    if (outcome.errors.empty()) std::filesystem::remove_all(place, error);
  }
}

}  // namespace

std::string_view oom_kind_name(OomKind kind) noexcept {
  constexpr std::string_view kNames[kOomKindCount] = {"trainer", "keeper", "both", "trainer_grows"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string no_memory_groups() {
  std::string why;
  MemoryGroup::make("wb-probe-" + std::to_string(::getpid()), kLimitBytes, why);
  return why;
}

OomTotals run_oom_kills(std::uint64_t seed, std::uint64_t count, const KillPrograms& programs,
                        const std::string& directory) {
  void* place = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Shared& shared = *::new (place) Shared{};
  OomTotals totals;
  const auto work = [&] {
    std::vector<pid_t> slots;
    for (int slot = 0; slot < kSlots; ++slot) {
      slots.push_back(start_slot([&] { run_slot(seed, count, programs, directory, shared); }));
    }
    await_slots(std::move(slots));
    return 0;
  };
  totals.ran = run_in_arena(work) == 0;
  for (std::size_t kind = 0; kind < kOomKindCount; ++kind) {
    totals.cases[kind] = shared.cases[kind];
    totals.failed[kind] = shared.failed[kind];
    totals.accepted_rows[kind] = shared.accepted_rows[kind];
  }
  totals.kernel_kills = shared.kernel_kills;
  ::munmap(place, sizeof(Shared));
  return totals;
}

}  // namespace wb::test
