// One function a kind: the moment, the kill, what happens next. after_kill.h judges.
#include "tests/kills/kill_case.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "tests/kills/after_kill.h"

namespace wb::test {
namespace {

using Random = std::mt19937_64;

constexpr std::int64_t kOpenMs = 20'000;
constexpr std::int64_t kRespawnMs = 30'000;  // A keeper that is dead is missed after 5 s.
constexpr std::int64_t kFinishMs = 30'000;
constexpr std::uint64_t kMomentUs = 60'000;
constexpr std::uint64_t kInitMomentUs = 15'000;
constexpr std::uint64_t kFinishMomentUs = 4'000;

std::uint64_t below(Random& random, std::uint64_t end) {
  return random() % end;
}

void nap_us(std::uint64_t duration_us) {
  if (duration_us > 0) ::usleep(static_cast<useconds_t>(duration_us));
}

RankPlan plan_rank(const KillCase& what, int rank, const KillPrograms& programs, Random& random) {
  RankPlan plan{.seed = random(), .directory = what.directory, .run_id = "rank" + std::to_string(rank)};
  plan.keeper = below(random, 2) == 0 ? programs.wbkeep : programs.small_tails;
  plan.ring_bytes = below(random, 3) == 0 ? 1U << 20 : 0;
  plan.pace = static_cast<Pace>(below(random, 3));
  plan.flush_every = below(random, 3) == 0 ? 50 + below(random, 3'000) : 0;
  return plan;
}

/// Any moment of a rank's life: while it opens its run, while it logs, while it finishes.
void await_moment(std::span<const std::unique_ptr<Victim>> victims, Random& random) {
  if (below(random, 8) == 0) return nap_us(below(random, kInitMomentUs));
  for (const auto& victim : victims) {
    await([&] { return !victim->is_in(RankPhase::kStarting) || victim->has_ended(); }, kOpenMs);
  }
  nap_us(below(random, kMomentUs));
  if (below(random, 6) != 0) return;
  for (const auto& victim : victims) victim->board().command.store(RankCommand::kFinish);
  nap_us(below(random, kFinishMomentUs));
}

void await_logging(Victim& victim) {
  await([&] { return !victim.is_in(RankPhase::kStarting); }, kOpenMs);
}

pid_t await_keeper(const Victim& victim) {
  pid_t keeper = 0;
  await([&] { return (keeper = victim.keeper()) != 0; }, kOpenMs);
  return keeper;
}

/// Kills what is named by a pid in the arena; 0: nothing.
void kill_pid(pid_t pid) {
  if (pid > 0) ::kill(pid, SIGKILL);
}

void complete_and_judge(Victim& victim, Expectation expected, const KillPrograms& programs, Random& random,
                        CaseOutcome& outcome) {
  if (!complete_journal(victim, programs, random, outcome)) outcome.errors.push_back("its ring is still there");
  judge(victim, expected, programs, outcome);
}

void await_finished(Victim& victim, CaseOutcome& outcome) {
  victim.board().command.store(RankCommand::kFinish);
  if (!await([&] { return victim.has_ended(); }, kFinishMs)) outcome.errors.push_back("the trainer hangs in finish()");
  if (victim.end() != 0) outcome.errors.push_back("the trainer did not end with 0");
}

/// The keeper is killed, and its trainer goes on.
void kill_keeper(Victim& victim, Random& random, CaseOutcome& outcome) {
  await_logging(victim);
  nap_us(below(random, kMomentUs));
  const pid_t first = await_keeper(victim);
  const std::uint64_t way = below(random, 20);
  if (way >= 16) {  // In the middle of finish().
    victim.board().command.store(RankCommand::kFinish);
    nap_us(below(random, kFinishMomentUs));
    kill_pid(first);
    return await_finished(victim, outcome);
  }
  kill_pid(first);
  nap_us(below(random, 3'000));
  const auto is_another = [&] {
    const pid_t now = victim.keeper();
    return now != 0 && now != first;
  };
  if (way < 6) {  // flush() gets another keeper at once; that one is killed too, every other time.
    victim.board().command.store(RankCommand::kFlush);
    outcome.is_respawned = await(is_another, kRespawnMs);
    if (!outcome.is_respawned) outcome.errors.push_back("flush() started no other keeper");
    nap_us(below(random, 20'000));
    if (way % 2 == 0) kill_pid(victim.keeper());
    await_finished(victim, outcome);
  } else if (way < 8) {  // log() alone misses it.
    outcome.is_respawned = await(is_another, kRespawnMs);
    if (!outcome.is_respawned) outcome.errors.push_back("log() started no other keeper");
    await_finished(victim, outcome);
  } else if (way < 12) {
    await_finished(victim, outcome);
  } else {
    nap_us(below(random, 20'000));
    victim.end();
  }
}

void kill_both(Victim& victim, Random& random) {
  const pid_t keeper = victim.keeper();
  const bool trainer_first = below(random, 2) == 0;
  trainer_first ? victim.kill(SIGKILL) : kill_pid(keeper);
  nap_us(below(random, 2) * below(random, 2'000));
  trainer_first ? kill_pid(keeper) : victim.kill(SIGKILL);
}

/// As Slurm at a time limit: SIGTERM to all there is, later SIGKILL; to the keeper too, every other time.
void terminate(Victim& victim, Random& random) {
  constexpr std::uint64_t kDelaysMs[] = {0, 10, 100, 1'000};
  const pid_t keeper = victim.keeper();
  victim.kill(SIGTERM);
  if (keeper > 0) ::kill(keeper, SIGTERM);
  nap_us(kDelaysMs[below(random, 4)] * 1'000);
  victim.kill(SIGKILL);
  if (below(random, 2) == 0) kill_pid(keeper);
}

/// All at once, in any order.
void kill_step(std::span<const std::unique_ptr<Victim>> victims, Random& random) {
  std::vector<pid_t> all;
  for (const auto& victim : victims) {
    all.push_back(victim->pid());
    all.push_back(victim->keeper());
  }
  std::shuffle(all.begin(), all.end(), random);
  for (const pid_t pid : all) kill_pid(pid);
  // Keepers that were being started while the others were killed.
  for (const auto& victim : victims) {
    const auto ring = victim->ring();
    while (ring && kill_holders(ring->path) > 0) {
    }
  }
}

/// What is seen between a kill of trainer and keeper and the rescue.
void look_before_rescue(Victim& victim, const KillPrograms& programs, CaseOutcome& outcome) {
  const auto ring = victim.ring();
  if (!ring || ring->written_sequence == 0) return;
  const ShownLoss shown = shown_loss(programs.wbsync, victim.run_directory());
  if (shown.limit != "trainer_killed" && shown.limit != "none") {
    outcome.errors.push_back("wbsync show says " + shown.limit + " while the ring is there");
  }
}

/// Wipes the ring as the end of a job's private /dev/shm does.
Expectation wipe(const Victim& victim, std::int64_t killed_ns) {
  Expectation expected{.may_lose = true, .killed_ns = killed_ns};
  if (const auto ring = victim.ring()) {
    expected.written_sequence = ring->written_sequence;
    ::unlink(ring->path.c_str());
  }
  return expected;
}

std::vector<CaseOutcome> judge_all(std::span<const std::unique_ptr<Victim>> victims,
                                   const std::vector<Expectation>& expected, const KillCase& what,
                                   const KillPrograms& programs, Random& random) {
  std::vector<CaseOutcome> outcomes(victims.size());
  for (std::size_t i = 0; i < victims.size(); ++i) {
    if (what.kind == KillKind::kStep && below(random, 8) == 0) look_before_rescue(*victims[i], programs, outcomes[i]);
  }
  for (std::size_t i = 0; i < victims.size(); ++i) {
    if (what.kind == KillKind::kStepWiped) {
      judge(*victims[i], expected[i], programs, outcomes[i]);
    } else {
      complete_and_judge(*victims[i], expected[i], programs, random, outcomes[i]);
    }
  }
  return outcomes;
}

}  // namespace

std::string_view kill_kind_name(KillKind kind) noexcept {
  constexpr std::string_view kNames[kKillKindCount] = {"trainer", "keeper", "both",      "term",
                                                       "group",   "step",   "step_wiped"};
  return kNames[static_cast<std::size_t>(kind)];
}

CaseOutcome run_alone(const KillCase& what, RankBoard& board, const KillPrograms& programs) {
  Random random(what.seed);
  RankPlan plan = plan_rank(what, 0, programs, random);
  plan.finishes_on_term = what.kind == KillKind::kTerm && below(random, 2) == 0;
  std::vector<std::unique_ptr<Victim>> one;
  one.push_back(std::make_unique<Victim>(board, plan));
  Victim& victim = *one.front();
  CaseOutcome outcome;
  Expectation expected;
  victim.start();
  if (what.kind == KillKind::kKeeper) {
    kill_keeper(victim, random, outcome);
  } else {
    await_moment(one, random);
    if (what.kind == KillKind::kTrainer) {
      expected.is_sealed = victim.keeper() != 0;
      victim.kill(SIGKILL);
    }
    if (what.kind == KillKind::kBoth) kill_both(victim, random);
    if (what.kind == KillKind::kTerm) terminate(victim, random);
  }
  victim.end();
  complete_and_judge(victim, expected, programs, random, outcome);
  return outcome;
}

std::vector<CaseOutcome> run_team(const KillCase& what, std::span<RankBoard* const> boards,
                                  const KillPrograms& programs) {
  Random random(what.seed);
  std::vector<std::unique_ptr<Victim>> victims;
  for (RankBoard* board : boards) {
    const int rank = static_cast<int>(victims.size());
    victims.push_back(std::make_unique<Victim>(*board, plan_rank(what, rank, programs, random)));
    victims.back()->start(rank == 0 ? 0 : victims.front()->pid());
  }
  const pid_t group = victims.front()->pid();
  await_moment(victims, random);
  std::vector<Expectation> expected;
  for (const auto& victim : victims) expected.push_back({.is_sealed = victim->keeper() != 0});
  const std::int64_t killed_ns = monotonic_now_ns();
  if (what.kind == KillKind::kGroup) {
    ::kill(-group, SIGKILL);
  } else {
    kill_step(victims, random);
  }
  for (std::size_t i = 0; i < victims.size(); ++i) {
    victims[i]->end();
    if (what.kind == KillKind::kStepWiped) expected[i] = wipe(*victims[i], killed_ns);
    if (what.kind == KillKind::kStep) expected[i] = {};
  }
  return judge_all(victims, expected, what, programs, random);
}

}  // namespace wb::test
