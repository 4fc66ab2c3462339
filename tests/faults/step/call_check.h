// Call check: holds what a reader finds in a journal against what a program logged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "schema/frame.h"
#include "schema/record.h"
#include "tests/faults/step/calls.h"

namespace wb::test {

/// What became of a journal.
struct Verdict {
  std::string fault;               ///< What is wrong; empty: every promise was kept.
  std::uint64_t record_count = 0;  ///< Of the trainer.
  std::uint32_t digest = 0;        ///< Of the trainer's records, bit by bit.
  bool has_one_beyond = false;     ///< The record of a call that had not returned is there too.
};

/// Takes the records of one journal in their order. What must hold: sequence numbers from 1 without holes; each
/// accepted call's record once, in order, right to the bit; of a call that has not returned all or nothing; of a
/// refused one nothing; gap records that sum up to the refused rows.
class CallCheck {
 public:
  CallCheck(const Program& program, const CallBoard& board);

  void take(const Frame& frame);
  /// After the last record. `has_damage`: the reader reported some.
  Verdict conclude(bool has_damage, bool ends_open);

 private:
  void fail(std::string what);
  void take_row(const Frame& frame);
  void take_summary(const Frame& frame);
  void take_key(const Frame& frame);
  void take_finish(const Frame& frame);
  void take_gap(const Frame& frame);
  const Call* next_record();
  bool is_same(const Metric& metric, std::string_view name, const Value& value) const;
  void complete_record();
  void check_calls();
  void check_gaps();

  const Program& program_;
  const std::uint32_t begun_;
  std::vector<std::uint8_t> outcomes_;
  Verdict verdict_;
  std::uint64_t next_sequence_ = 1;
  std::size_t next_call_ = 0;
  std::size_t part_at_ = 0;        // Metrics of the next call's row that are there already.
  std::vector<std::string> keys_;  // By index.
  std::unordered_set<std::string> key_names_;
  std::int64_t last_mono_ns_ = 0;
  bool has_finish_ = false;
  int death_count_ = 0;
  std::uint64_t gap_count_ = 0;
  std::optional<std::int64_t> gap_first_step_;
  std::int64_t gap_last_step_ = 0;
};

/// Reads the one journal in `directory` with the reader that wbsync uses.
Verdict check_journal(const std::string& directory, const Program& program, const CallBoard& board);

}  // namespace wb::test
