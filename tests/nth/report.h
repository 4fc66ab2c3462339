// NthReport: what the trainer of the n-th failures was told by the library, in shared memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace wb::test {

inline constexpr std::uint64_t kNthCalls = 200;  // Of log().

/// Stored by the trainer. The codes are wb::Code; 0 where it did not come so far.
struct NthReport {
  std::atomic<std::uint32_t> summary_code;
  std::atomic<std::uint32_t> flush_code;
  std::atomic<std::uint32_t> finish_code;
  std::atomic<std::uint64_t> dropped;             ///< As the run counts them.
  std::atomic<std::uint8_t> accepted[kNthCalls];  ///< 1: log() returned true.
};

}  // namespace wb::test
