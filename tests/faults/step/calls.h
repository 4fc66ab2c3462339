// Calls: what a stepped program asks of its Run, call by call, and what became of each.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "wb/run.h"

namespace wb::test {

/// One call of the stepped program.
struct Call {
  enum class Kind : std::uint8_t { kLog, kLogKeys, kKey, kSummary, kFlush, kFinish };
  /// Whether it is stepped: always, never, or where the ring comes to its end and goes on at its start.
  enum class Pace : std::uint8_t { kStepped, kFast, kNearWrap };

  Kind kind = Kind::kLog;
  Pace pace = Pace::kStepped;
  bool drain_first = false;     ///< The keeper moves all records from the ring into the tail before it.
  std::vector<Metric> metrics;  ///< Of kKey: one, whose name counts.
  LogOptions options;

  // What the journal must have, set when the call is added.
  std::int64_t step = 0;
  std::uint8_t flags = 0;
  bool is_row() const noexcept { return kind == Kind::kLog || kind == Kind::kLogKeys; }
  bool is_record() const noexcept { return is_row() || kind == Kind::kSummary; }
};

/// A program that is stepped: the calls of one kind of record, the same in both processes.
struct Program {
  std::string name;
  std::deque<std::string> texts;  ///< What the metrics' names and texts borrow.
  std::vector<Call> calls;
  std::size_t window_bytes = 16 * 1024;  ///< No call writes more into the ring.
  std::uint32_t recovery_rate = 2;       ///< Of states that differ behind the head only, one in so many is recovered.

  std::string_view text(std::string value) { return texts.emplace_back(std::move(value)); }
  Call& log(std::vector<Metric> metrics, LogOptions options = {});
  Call& call(Call::Kind kind);
};

inline constexpr std::size_t kCallsMax = 1024;

/// Shared with the stepped process, which alone stores into it: what log() returned to the program.
struct CallBoard {
  enum Outcome : std::uint8_t { kNone = 0, kAccepted = 1, kRefused = 2 };
  std::atomic<std::uint32_t> begun;  ///< Calls begun.
  std::atomic<std::uint32_t> ended;  ///< Calls that have returned; the outcome is there before.
  std::array<std::atomic<std::uint8_t>, kCallsMax> outcome;
};

using Random = std::mt19937_64;
struct ProgramMaker {
  const char* name;  ///< As a test is called.
  Program (*make)(Random& random);
};
/// All programs, a record shape or a call each.
std::span<const ProgramMaker> program_makers();

}  // namespace wb::test
