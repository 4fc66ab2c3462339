// Journal check: what the production reader finds in a journal, held against what the rank's log() had accepted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/kills/rank.h"

namespace wb::test {

struct JournalVerdict {
  std::vector<std::string> errors;   ///< What no limit excuses: order, bits, rows twice, a hole, wrong counts.
  std::uint64_t read_count = 0;      ///< Rows.
  std::uint64_t lost_count = 0;      ///< Accepted and not there, all behind what is there.
  std::uint64_t first_lost_row = 0;  ///< If there is one.
  std::uint64_t last_sequence = 0;   ///< Of the trainer's records.
  std::uint64_t dropped_count = 0;   ///< By the gap records.
  int finish_count = 0;
  int death_count = 0;
  int signal_count = 0;
  bool ends_open = true;
  std::uint32_t tail_count = 0;
};

/// Reads the journal `stem` in `directory` and compares each row, to the bit and in order, with what RowMaker makes of
/// the board's seed. A row that was begun and not called accepted may be there or not if it is the last one.
JournalVerdict check_journal(const std::string& directory, const std::string& stem, const RankBoard& board);

}  // namespace wb::test
