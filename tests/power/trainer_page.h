// TrainerPage: what the training program of the power cut tests tells them, in memory that they share.
#pragma once

#include <atomic>
#include <cstdint>

namespace wb::test {

/// All zero at the start.
struct TrainerPage {
  std::atomic<std::uint32_t> is_open;        ///< By the trainer: the run is open, its ring is there.
  std::atomic<std::uint32_t> may_log;        ///< By the test: go on.
  std::atomic<std::uint32_t> must_finish;    ///< By the test: log no more rows.
  std::atomic<std::uint64_t> accepted_rows;  ///< By the trainer: log() has accepted so many rows.
  std::atomic<std::uint64_t> flushed_rows;   ///< By the trainer: so many were accepted before a flush() that was ok.
  std::atomic<std::uint32_t> is_finished;    ///< By the trainer: finish() was ok.
};

/// What was promised to survive a power cut at some moment.
struct Acknowledged {
  std::uint64_t sequence = 0;  ///< Up to here the keeper called the trainer's records durable (A2).
  std::uint64_t rows = 0;      ///< So many rows were covered by a flush() that returned ok.
  bool finish = false;         ///< finish() returned ok.
};

}  // namespace wb::test
