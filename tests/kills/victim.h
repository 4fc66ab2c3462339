// Victim: a rank as a child of this process, its ring, its keeper, and the ways to end them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/kills/rank.h"

namespace wb::test {

/// What a ring's header said at one moment.
struct RingSeen {
  std::string path;
  pid_t keeper_pid = 0;  ///< 0: none has come yet.
  std::uint64_t written_sequence = 0;
};

/// The ring of the run in `run_directory`, if its file is under /dev/shm.
std::optional<RingSeen> find_ring(const std::string& run_directory);

/// Kills each other process that has this file open. Gives how many there were.
int kill_holders(const std::string& path);

/// Runs a program to its end and gives its exit code (-1: killed); its standard output goes to `output` if given.
int run_program(const std::vector<std::string>& arguments, std::string* output = nullptr);

/// Polls every 200 us until the condition holds; false after `timeout_ms`.
bool await(const std::function<bool()>& condition, std::int64_t timeout_ms);

/// One at a time to a board. Killed and collected with its scope.
class Victim {
 public:
  Victim(RankBoard& board, RankPlan plan) : board_(board), plan_(std::move(plan)) {}
  ~Victim() { end(); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  /// Forks the rank, into the process group `group` (0: one of its own).
  void start(pid_t group = 0);
  /// Sends SIGKILL if it lives, and collects it. Gives the exit code; -1: ended by a signal.
  int end();
  /// Collects it if it has ended by itself.
  bool has_ended();

  pid_t pid() const { return pid_; }
  void kill(int signal) const;
  /// The keeper that the ring names now; 0: none.
  pid_t keeper() const;
  bool is_in(RankPhase phase) const { return board_.phase.load() == phase; }

  RankBoard& board() { return board_; }
  const RankPlan& plan() const { return plan_; }
  std::string run_directory() const { return plan_.directory + "/" + plan_.run_id; }
  std::optional<RingSeen> ring() const { return find_ring(run_directory()); }

 private:
  RankBoard& board_;
  RankPlan plan_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

}  // namespace wb::test
