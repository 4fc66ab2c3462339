// Times single calls of ten float64, and the least that a writer of them must do.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "bench/support/samples.h"
#include "bench/support/workload.h"
#include "schema/crc32c.h"
#include "schema/frame.h"
#include "schema/limits.h"
#include "schema/record.h"

namespace wb::bench {

/// clock_gettime, memcpy of one row's frame into the next place of a buffer as large as the ring, CRC32C over it.
class Floor {
 public:
  Floor() : buffer_(kRingBytesDefault, std::byte{1}), frame_(kFrameBytes, std::byte{42}) {}

  void operator()() noexcept {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    std::byte* to = buffer_.data() + at_;
    at_ = at_ + 2 * kFrameBytes <= buffer_.size() ? at_ + kFrameBytes : 0;
    std::memcpy(frame_.data() + kFrameHeadBytes + 8, &now, 8);
    std::memcpy(to, frame_.data(), kFrameBytes);
    const std::uint32_t crc = crc32c(7, std::span(to + 8, kFrameBytes - 8));
    std::memcpy(to + 4, &crc, 4);
  }

 private:
  static constexpr std::size_t kFrameBytes = frame_bytes(row_bytes(kMetricCount, 0));
  std::vector<std::byte> buffer_;
  std::vector<std::byte> frame_;
  std::size_t at_ = 0;
};

/// Samples of one kind of call.
struct Samples {
  std::vector<double> calls_ns;
  std::vector<double> groups_ns;  ///< A call's mean in each group that was timed as one.

  void append(const Samples& other) {
    calls_ns.insert(calls_ns.end(), other.calls_ns.begin(), other.calls_ns.end());
    groups_ns.insert(groups_ns.end(), other.groups_ns.begin(), other.groups_ns.end());
  }
};

/// Times calls by the time stamp counter, less the median of an empty reading.
class CallClock {
 public:
  template <typename Call>
  double one_ns(Call& call) const {
    const std::uint64_t start = ticks();
    call();
    const std::uint64_t passed = ticks() - start;
    return static_cast<double>(passed - std::min(passed, empty_)) / per_ns_;
  }

  /// Times each of `calls`, or groups of 16 of them: some counters step by 10 ns, which groups resolve.
  template <typename Call>
  void burst(Call call, std::size_t calls, bool in_groups, Samples& samples) const {
    if (!in_groups) {
      for (std::size_t i = 0; i < calls; ++i) samples.calls_ns.push_back(one_ns(call));
      return;
    }
    auto group = [&] {
      for (std::size_t i = 0; i < kGroupCalls; ++i) call();
    };
    for (std::size_t i = 0; i < calls; i += kGroupCalls) {
      samples.groups_ns.push_back(one_ns(group) / static_cast<double>(kGroupCalls));
    }
  }

  static constexpr std::size_t kGroupCalls = 16;

 private:
  double per_ns_ = ticks_per_ns();
  std::uint64_t empty_ = empty_ticks();
};

}  // namespace wb::bench
