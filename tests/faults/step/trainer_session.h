// TrainerSession: one stepped trainer with its ring, its keeper and its journal.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/faults/step/call_check.h"
#include "tests/faults/step/calls.h"
#include "tests/faults/step/ring_copy.h"
#include "tests/faults/step/scratch.h"
#include "tests/faults/step/tally.h"
#include "tests/faults/step/tracee.h"
#include "writer/drain.h"
#include "writer/ring_view.h"

namespace wb::test {

/// Runs a program's calls in a child that logs through wb::Run. The keeper's part is played here, between two of the
/// child's instructions, by the production Drain; a heartbeat included. Files lie in a scratch folder on tmpfs.
class TrainerSession {
 public:
  /// `program` outlives the session.
  TrainerSession(const Program& program, Random& random);
  ~TrainerSession();
  TrainerSession(const TrainerSession&) = delete;
  TrainerSession& operator=(const TrainerSession&) = delete;

  /// Steps through all calls, or to the end of the one in which `tally` gets `points_max` points, and checks each
  /// point. Then a SIGKILL, and the keeper ends the journal. Gives the first fault with its place, or nothing.
  std::string step_all(Tally& tally, std::uint64_t points_max);

  /// Steps into a call chosen at random, kills the child there, and has the real wbkeep --rescue complete the journal.
  /// What that finds must be what a recovery of the copy found just before the kill.
  std::string kill_somewhere(Tally& tally);

 private:
  std::uint32_t begun() const { return board_->begun.load(std::memory_order_acquire); }
  std::uint32_t ended() const { return board_->ended.load(std::memory_order_acquire); }
  [[noreturn]] void run_program() const;
  bool log_one(Run& run, const Call& call, std::span<const KeyMetric> keyed) const;
  bool is_stepped(const Call& call);
  std::string before_call(const Call& call);
  std::string step_call(Tally& tally);
  std::string check_point(Tally& tally);
  std::string after_call(std::uint32_t index);
  void play_keeper(std::uint64_t point_in_call);
  Verdict recover();
  std::string end_by_keeper();
  std::string kill_and_rescue(Tally& tally);
  std::string at(const std::string& fault) const;

  const Program& program_;
  Random& random_;
  Scratch scratch_;
  std::string directory_;  // The run's.
  CallBoard* board_;       // Shared with the child.
  std::optional<Tracee> child_;
  std::string ring_path_;
  Descriptor ring_file_;  // Holds the keeper's lock: the only descriptor of the ring in this process.
  std::unique_ptr<RingView> ring_;
  std::unique_ptr<Drain> keeper_;
  std::optional<RingCopy> copy_;
  std::uint64_t point_in_call_ = 0;
  std::uint64_t keeper_point_ = 0;  // In this call, when the keeper makes a round.
};

}  // namespace wb::test
