// Rank: a process that logs until it is killed, and the memory in which it says what log() accepted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wb/value.h"

namespace wb::test {

inline constexpr std::uint64_t kRowsMax = 1U << 17;  ///< Of one life; a rank that comes to it logs no more.
inline constexpr std::size_t kTimesKept = 1U << 14;

enum class RankPhase : std::uint32_t { kStarting, kLogging, kFinishing, kFinished, kFailed };
enum class RankCommand : std::uint32_t { kLog, kFlush, kFinish, kGrow };
enum class Pace : std::uint32_t { kFull, kBursts, kSlow };

/// Shared with whoever kills the rank: outlives it. All zero at the start. Stored by the rank, but for `command`.
struct RankBoard {
  std::atomic<std::uint64_t> seed;           ///< Of RowMaker.
  std::atomic<std::uint64_t> first_row;      ///< Its step too.
  std::atomic<std::uint64_t> begun_count;    ///< Rows for which log() was called.
  std::atomic<std::uint64_t> refused_count;  ///< Rows for which log() gave false.
  std::atomic<std::uint64_t> durable_count;  ///< Rows begun before the last flush() that gave ok.
  std::atomic<RankPhase> phase;
  std::atomic<RankCommand> command;    ///< kFlush becomes kLog once it is done; kGrow takes memory until it is killed.
  std::atomic<std::uint32_t> failure;  ///< The Code of open() in kFailed, of finish() in kFinished.
  std::atomic<std::int32_t> pid;
  std::atomic<std::int64_t> term_ns;      ///< When SIGTERM came; 0: never.
  std::atomic<std::int64_t> finished_ns;  ///< When finish() returned.
  std::array<char, 1024> directory;       ///< The run's; zero-terminated, as is the stem; set before kLogging.
  std::array<char, 256> stem;
  std::array<std::atomic<std::uint64_t>, kRowsMax / 64> accepted;  ///< One bit a row.
  std::array<std::atomic<std::int64_t>, kTimesKept> accepted_ns;   ///< CLOCK_MONOTONIC, by row modulo kTimesKept.

  bool is_accepted(std::uint64_t row) const { return (accepted[row / 64].load() >> (row % 64) & 1) != 0; }
  std::uint64_t accepted_count() const;
  /// As a new one.
  void clear();
};

/// Maps a board that lives in a file of its own, made if it is not there. Null: a message went to stderr.
RankBoard* map_board(const std::string& path);
/// One that this process and its forked children share.
RankBoard* map_board();

/// What one rank does.
struct RankPlan {
  std::uint64_t seed = 0;
  std::string directory;  ///< Of runs.
  std::string run_id;     ///< Empty: from the environment.
  std::string keeper;     ///< Program; empty: beside this one.
  std::size_t ring_bytes = 0;
  Pace pace = Pace::kFull;
  std::uint64_t first_row = 0;
  std::uint64_t end_row = kRowsMax;  ///< Behind the last one; then it waits.
  bool finishes_on_term = false;     ///< SIGTERM ends the loop and finish() is called; else it kills.
  std::uint64_t flush_every = 0;     ///< Rows between calls of flush(); 0: none.
  std::string cgroup;                ///< A cgroup.procs file to join first; empty: none.
  std::vector<std::pair<std::string, std::string>> environment;  ///< Variables to set first.
};

/// Opens a run and logs rows of RowMaker, row i at step i, until it is told to finish. Gives the exit code.
int run_rank(RankBoard& board, const RankPlan& plan);

/// The rows of one seed: anybody can make row i again. Texts, numbers of random bits, new names all along, and every
/// 3,000th row so long that it travels in parts.
class RowMaker {
 public:
  explicit RowMaker(std::uint64_t seed);
  /// Valid until the next call.
  std::span<const Metric> row(std::uint64_t index);

 private:
  std::uint64_t seed_;
  std::string text_;
  std::string new_name_;
  std::vector<Metric> metrics_;
};

/// One step of splitmix64: a random number for each (seed, index).
constexpr std::uint64_t mixed(std::uint64_t seed, std::uint64_t index) noexcept {
  std::uint64_t z = seed + 0x9E3779B97F4A7C15U * (index + 1);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27) * 0x94D049BB133111EBU;
  return z ^ z >> 31;
}

std::int64_t monotonic_now_ns();

}  // namespace wb::test
