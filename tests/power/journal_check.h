// Checks what is left of a journal of the training program: what it logged, in order, right to the bit.
#pragma once

#include <cstdint>
#include <string>

#include "tests/power/trainer_page.h"

namespace wb::test {

struct JournalFound {
  std::uint64_t sequence = 0;       ///< The trainer's records 1 to this one are there.
  std::uint64_t rows = 0;           ///< The first so many.
  bool is_ended = false;            ///< The journal's end is there.
  std::uint64_t last_sequence = 0;  ///< The trainer's last record. Beyond `sequence`: behind a hole.
  std::string damage;               ///< What the reader reports, a line each.
  std::string fault;                ///< Why this is not what it must be; empty: all is well.
};

/// What may be missing of a journal.
enum class Holes : std::uint8_t {
  kNone,   ///< What is there is a prefix.
  kNamed,  ///< Records beyond those acknowledged may be missing between others; the reader names each.
};

/// Reads the one journal in `run_directory` by the reader that wbsync uses. At fault is a journal where something
/// acknowledged is missing, a record comes twice, one is missing that may not or is not named, or a row is not the one
/// that was logged.
JournalFound check_journal(const std::string& run_directory, std::uint64_t seed, const Acknowledged& acknowledged,
                           Holes holes);

}  // namespace wb::test
