// The order: ring gone, journal read, counts held against the board, then what show says.
#include "tests/kills/after_kill.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "schema/descriptor.h"
#include "schema/journal/journal_reader.h"
#include "wb/run.h"
#include "wb/status.h"
#include "writer/ring_lock.h"

namespace wb::test {
namespace {

constexpr std::int64_t kCompleteMs = 60'000;
constexpr std::int64_t kKeeperComesMs = 300;  // A keeper that is being started has no lock yet.
constexpr std::int64_t kSealMs = 30'000;
constexpr std::size_t kOutputShown = 300;
constexpr std::int64_t kDrainLatestNs = 1'000'000'000;
constexpr std::int64_t kTermBudgetNs = 2'000'000'000;

bool has_keeper(const std::string& ring_path) {
  const Descriptor ring(::open(ring_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  return ring.is_open() && is_ring_locked(ring.get(), kKeeperLockByte);
}

/// A run that starts and ends: its keeper rescues on the way.
void start_another_run(const Victim& victim, const KillPrograms& programs) {
  RankPlan plan = victim.plan();
  plan.run_id += "-next";
  plan.keeper = programs.wbkeep;
  RankBoard* const board = map_board();
  board->command.store(RankCommand::kFinish);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run_rank(*board, plan));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::munmap(board, sizeof *board);
}

/// True if a rescue, which says one line a ring, could not complete this run's, or found what is no ring at all. Of
/// other cases it may meet journals that were checked and removed while somebody was sealing them.
bool fails_for(const std::string& run_directory, const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const bool is_well =
        line.find("status ok") != std::string::npos || line.find(R"("status":"ok")") != std::string::npos;
    const bool is_ours = line.find(run_directory) != std::string::npos || line.find("not a ring") != std::string::npos;
    if (is_ours && !is_well) return true;
  }
  return false;
}

void rescue(const Victim& victim, const KillPrograms& programs, std::uint64_t way, CaseOutcome& outcome) {
  std::string output;
  int code = 0;
  if (way == 0) code = run_program({programs.wbkeep, "--rescue"}, &output);
  if (way == 1) code = run_program({programs.wbsync, "rescue"}, &output);
  if (code != 0 && fails_for(victim.run_directory(), output)) {
    outcome.errors.push_back("a rescue ended with " + std::to_string(code) + " and said: " + output);
  }
  if (way == 2) start_another_run(victim, programs);
}

/// As the rank said it; of one that was killed before that, the only journal in the run's directory.
std::string stem_of(Victim& victim) {
  const std::string stem = victim.board().stem.data();
  const auto journals = list_journals(victim.run_directory());
  const bool is_told = !stem.empty() || !journals.ok() || journals.value().size() != 1;
  return is_told ? stem : journals.value().front().stem;
}

bool has_file_ending(const std::string& directory, const std::string& stem, std::string_view ending) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(stem) && name.ends_with(ending)) return true;
  }
  return false;
}

void judge_counts(Victim& victim, const Expectation& expected, const JournalVerdict& verdict, CaseOutcome& outcome) {
  RankBoard& board = victim.board();
  const auto error = [&](const std::string& text) { outcome.errors.push_back(text); };
  const bool is_over = board.phase.load() == RankPhase::kFinished;
  const std::uint64_t refused = board.refused_count.load();
  const std::uint64_t begun_and_unknown = is_over ? 0 : 1;
  if (verdict.dropped_count < refused || verdict.dropped_count > refused + begun_and_unknown) {
    error("gap records name " + std::to_string(verdict.dropped_count) + " rows, " + std::to_string(refused) +
          " were refused");
  }
  if (verdict.lost_count != 0) {
    error(std::to_string(verdict.lost_count) + " accepted rows are lost, from row " +
          std::to_string(verdict.first_lost_row));
  }
  if (verdict.finish_count + verdict.death_count != 1) {
    error(std::to_string(verdict.finish_count) + " finish and " + std::to_string(verdict.death_count) +
          " death records");
  }
  const bool finish_is_accepted = is_over && board.failure.load() != static_cast<std::uint32_t>(Code::kFull);
  if (finish_is_accepted && verdict.finish_count != 1) error("the finish record is missing");
  if (verdict.ends_open) error("the journal has no end");
  if (expected.is_sealed && verdict.tail_count != 0) error("a tail is left unsealed");
}

/// With the ring gone: a prefix, with all that the keeper had written.
void judge_loss(Victim& victim, const Expectation& expected, const JournalVerdict& verdict, CaseOutcome& outcome) {
  if (verdict.last_sequence < expected.written_sequence) {
    outcome.errors.push_back("record " + std::to_string(expected.written_sequence) +
                             " was called written, and the last one there is " + std::to_string(verdict.last_sequence));
  }
  if (victim.board().durable_count.load() > verdict.first_lost_row && verdict.lost_count != 0) {
    outcome.errors.push_back("row " + std::to_string(verdict.first_lost_row) + " was flushed and is lost");
  }
  if (verdict.lost_count == 0) return;
  const std::int64_t accepted_ns = victim.board().accepted_ns[verdict.first_lost_row % kTimesKept].load();
  outcome.lost_count = verdict.lost_count;
  outcome.lost_ns = std::max<std::int64_t>(0, expected.killed_ns - accepted_ns);  // 0: logged while others died.
  // The keeper looks every 10 ms when it gets a processor; how often it did is for the campaign's last lines to tell.
  if (expected.written_sequence > 0 && outcome.lost_ns > kDrainLatestNs) {
    outcome.errors.push_back("row " + std::to_string(verdict.first_lost_row) + " had waited for " +
                             std::to_string(outcome.lost_ns / 1'000'000) + " ms, and is lost");
  }
}

void judge_term(Victim& victim, CaseOutcome& outcome) {
  const std::int64_t term_ns = victim.board().term_ns.load();
  const std::int64_t finished_ns = victim.board().finished_ns.load();
  if (term_ns == 0 || finished_ns == 0 || finished_ns - term_ns <= kTermBudgetNs) return;
  outcome.errors.push_back("finish() took " + std::to_string((finished_ns - term_ns) / 1'000'000) +
                           " ms after SIGTERM");
}

}  // namespace

bool complete_journal(const Victim& victim, const KillPrograms& programs, std::mt19937_64& random,
                      CaseOutcome& outcome) {
  std::int64_t alone_since_ns = monotonic_now_ns();
  std::int64_t patience_ms = kKeeperComesMs;
  return await(
      [&] {
        const auto ring = victim.ring();
        if (!ring) return true;
        const std::int64_t now_ns = monotonic_now_ns();
        if (has_keeper(ring->path)) alone_since_ns = now_ns;
        if (now_ns - alone_since_ns < patience_ms * 1'000'000) return false;
        outcome.is_rescued = true;
        rescue(victim, programs, random() % 3, outcome);
        patience_ms = 20;
        return false;
      },
      kCompleteMs);
}

ShownLoss shown_loss(const std::string& wbsync, const std::string& run_directory) {
  std::string output;
  const int code = run_program({wbsync, "show", run_directory, "--json"}, &output);
  // The journals come last. Values of the summary before them may be bare NaN, which is no JSON to this parser.
  constexpr std::string_view kJournals = "\"journals\":";
  const std::size_t at = output.rfind(kJournals);
  const std::size_t end = output.rfind('}');
  const bool is_whole = at != std::string::npos && end != std::string::npos && end > at;
  const auto journals = nlohmann::json::parse(
      is_whole ? output.substr(at + kJournals.size(), end - at - kJournals.size()) : std::string(), nullptr,
      /*allow_exceptions=*/false);
  if (code != 0 || !journals.is_array() || journals.size() != 1) {
    return {.limit = "nothing, and exit code " + std::to_string(code) + ": " + output.substr(0, kOutputShown)};
  }
  const auto& journal = journals[0];
  return {.limit = journal["limit_applied"].get<std::string>(), .limit_ms = journal["limit_applied_ms"].get<int>()};
}

void judge(Victim& victim, const Expectation& expected, const KillPrograms& programs, CaseOutcome& outcome) {
  RankBoard& board = victim.board();
  outcome.accepted_count = board.accepted_count();
  outcome.refused_count = board.refused_count.load();
  if (board.phase.load() == RankPhase::kFailed) {
    outcome.errors.push_back("the run could not be opened: code " + std::to_string(board.failure.load()));
    return;
  }
  const std::string stem = stem_of(victim);
  if (stem.empty()) return;  // Killed before it had a ring: nothing was accepted.
  if (expected.is_sealed) {
    await([&] { return !has_file_ending(victim.run_directory(), stem, ".tail"); }, kSealMs);
  }
  const JournalVerdict verdict = check_journal(victim.run_directory(), stem, board);
  outcome.read_count = verdict.read_count;
  outcome.is_finished = verdict.finish_count != 0;
  outcome.errors.insert(outcome.errors.end(), verdict.errors.begin(), verdict.errors.end());
  expected.may_lose ? judge_loss(victim, expected, verdict, outcome) : judge_counts(victim, expected, verdict, outcome);
  judge_term(victim, outcome);
  if (verdict.last_sequence == 0) return;  // Killed before its keeper had written anything: there is no run to show.
  ShownLoss right{"step_killed", 10};
  if (verdict.death_count != 0) right = {"trainer_killed", 0};
  if (verdict.finish_count != 0) right = {"none", 0};
  if (right.limit_ms == 0 && verdict.lost_count != 0)
    outcome.errors.push_back("its last record says that nothing is lost");
  const ShownLoss shown = shown_loss(programs.wbsync, victim.run_directory());
  if (shown != right) {
    outcome.errors.push_back("wbsync show says " + shown.limit + ", " + std::to_string(shown.limit_ms) +
                             " ms; right is " + right.limit + ", " + std::to_string(right.limit_ms) + " ms");
  }
}

}  // namespace wb::test
