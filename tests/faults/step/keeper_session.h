// KeeperSession: one stepped keeper with the ring that it keeps and the journal that it writes.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/faults/step/keeper_plan.h"
#include "tests/faults/step/remains.h"
#include "tests/faults/step/scratch.h"
#include "tests/faults/step/tally.h"
#include "tests/faults/step/tracee.h"
#include "tests/support/ring_maker.h"

namespace wb::test {

/// Runs a plan in a child made of the keeper's production parts, in the order and without the threads of keep(). A
/// keeper changes what others see by system calls and by stores into the ring's header only: after each of these the
/// files and the header are taken down, and a state that was not there before is judged.
class KeeperSession {
 public:
  KeeperSession(KeeperPlan plan, Random& random);
  ~KeeperSession();
  KeeperSession(const KeeperSession&) = delete;
  KeeperSession& operator=(const KeeperSession&) = delete;

  /// Steps to the plan's end and judges each new state, the child being killed at the last. Gives the first fault with
  /// its place, or nothing.
  std::string step_all(Tally& tally);

  /// Kills the child at a random point of the plan; the real wbkeep --rescue must complete the journal.
  std::string kill_somewhere(Tally& tally);

 private:
  void publish_all();
  void reveal(int round);
  const Published& now() const { return rounds_[static_cast<std::size_t>(round_)]; }
  void play_earlier_keeper();
  [[noreturn]] void run_keeper() const;
  void make_rounds() const;
  bool move();
  void fail_if_planned();
  bool is_planned(PlannedFault::Kind kind, int index) const;
  bool words_have_changed();
  std::string judge_point(Tally& tally);
  std::string judge_torn_writes(const Remains& after, Tally& tally);
  std::string judge(const Remains& state, Tally& tally);
  std::string at(const std::string& fault) const;

  const KeeperPlan plan_;
  Random& random_;
  Scratch scratch_;
  std::string directory_;
  std::unique_ptr<RingMaker> ring_;
  std::vector<Published> rounds_;  // What is published from each round on.
  std::optional<KeeperJudge> judge_;
  std::optional<Tracee> child_;
  int round_ = 0;
  int marks_left_ = 0;
  bool goes_by_syscalls_;
  bool has_changed_files_ = false;  // The last instruction was a system call that may have.
  int sync_count_ = 0;
  int write_count_ = 0;
  bool next_write_fails_ = false;
  std::array<std::byte, sizeof(RingKeeper)> seen_words_{};
  Remains last_;
  std::unordered_set<std::uint64_t> judged_;  // Fingerprints.
};

}  // namespace wb::test
