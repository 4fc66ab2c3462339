// TrainerReport: what a trainer and its test tell each other, in memory that no file system can freeze.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wb::test {

inline constexpr std::uint64_t kCallsMax = 1U << 26;  // The trainer stops logging there.

/// Mapped from a memfd by both. Numbers are stored by the trainer but for `is_to_finish`. trainer.py knows this order.
struct TrainerReport {
  std::atomic<std::uint64_t> is_to_finish;  ///< Stored by the test: stop logging and finish.
  std::atomic<std::uint64_t> phase;         ///< 0 opening, 1 logging, 2 finishing, 3 could not open.
  std::atomic<std::uint64_t> open_ns;       ///< How long open took.
  std::atomic<std::uint64_t> called;        ///< Calls of log(), all returned.
  std::atomic<std::uint64_t> accepted;      ///< As the run counts them.
  std::atomic<std::uint64_t> dropped;       ///< As the run counts them.
  std::atomic<std::uint64_t> worst_ns;      ///< The longest call, less what it waited for a processor that others had.
  std::atomic<std::uint64_t> disturbed;     ///< Calls that lost their processor to another process.
  std::atomic<std::uint64_t> disturbed_ns;  ///< The longest of these.
  std::atomic<std::uint64_t> slept;         ///< Calls that waited in the kernel.
  std::atomic<std::uint64_t> slept_ns;      ///< The longest of these.
  std::atomic<std::uint64_t> finish_at_ns;  ///< CLOCK_MONOTONIC when finish() was called.
  std::atomic<std::uint64_t> finish_waited_ns;  ///< How long until then the main thread had waited for a processor.
  std::atomic<std::uint64_t> finish_ns;         ///< How long finish() took.
  std::atomic<std::uint64_t> finish_code;       ///< A wb::Code.
  std::atomic<std::uint64_t> reserved;
  std::atomic<std::uint64_t> accepted_bits[kCallsMax / 64];  ///< Bit k: call k was accepted.

  bool was_accepted(std::uint64_t call) const {
    return (accepted_bits[call / 64].load(std::memory_order_relaxed) >> (call % 64) & 1) != 0;
  }
};
static_assert(offsetof(TrainerReport, accepted_bits) == 128);

}  // namespace wb::test
