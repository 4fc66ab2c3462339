// The merged rows of a run as lines for the wire: which records make which line, in an order that is defined.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sync/run_model.h"

namespace wb {

/// The encoder of history lines. Stands in the ledger; a new number applies to new assignments only.
inline constexpr int kEncoderVersion = 1;

/// A contiguous range of a journal's trainer sequence numbers, both ends included.
struct JournalRange {
  Uuid journal;
  std::uint64_t first_sequence = 1;
  std::uint64_t last_sequence = UINT64_MAX;
};

/// Lines that are assigned and sent together. The same parts and previous_step give the same bytes, always.
struct Batch {
  std::vector<JournalRange> parts;  ///< The records that the lines cover (control records among them).
  std::int64_t previous_step = -1;  ///< The wire `_step` before the first line.
  std::int64_t last_step = -1;      ///< The wire `_step` of the last line.
  std::vector<std::string> lines;   ///< JSON objects without newline; may be empty if the parts hold no row.
  std::size_t bytes = 0;            ///< Of all lines.
};

/// Streams a run's rows. Rows of one journal keep their order; several journals are merged by
/// (step, rank, attempt, journal start, journal uuid, sequence number). On the wire `_step` strictly rises: see design.
/// Rows that may still change are held back: an open row of a live journal; with several journals, rows that a
/// live one has not passed by step yet, unless they are older than `lag`.
class RowStream {
 public:
  struct Options {
    std::size_t batch_bytes_max = 8U << 20;  ///< A batch ends when its lines reach this.
    std::int64_t lag_us = 30'000'000;
    std::int64_t now_wall_us = 0;  ///< For `lag`; given, so that the result is a pure function.
  };
  /// `ranges`: what to cover of each journal (journals that are not named are left out).
  static Result<std::unique_ptr<RowStream>> open(const RunModel& run, std::vector<JournalRange> ranges,
                                                 std::int64_t previous_step, const Options& options);
  virtual ~RowStream() = default;

  /// The next batch; one with no parts means that there is nothing more now.
  virtual Result<Batch> next() = 0;
};

/// The lines of a batch that was assigned before, from the same records. kCorrupt if records are missing now.
Result<Batch> rebuild_batch(const RunModel& run, const std::vector<JournalRange>& parts, std::int64_t previous_step);

}  // namespace wb
