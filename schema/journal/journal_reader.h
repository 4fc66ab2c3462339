// Reads one journal: its segments and tails as one sequence of records, each once, damage named and skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/journal/segment.h"
#include "schema/journal_name.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

/// One place where a journal is not what was written.
struct Damage {
  std::string path;
  std::uint64_t offset_bytes = 0;  ///< In a tail; 0 in a segment (the text names the block).
  Code code = Code::kCorrupt;
  std::string what;
  std::uint64_t first_missing = 0;  ///< Trainer sequence numbers that are lost here; 0 and 0: none known.
  std::uint64_t last_missing = 0;
};

/// The files of one journal, as found in its directory.
struct JournalFiles {
  std::string directory;  ///< The run's directory.
  std::string stem;
  std::vector<JournalFileName> files;  ///< By number, a segment before the tail of the same number.
};

/// What a complete reading found.
struct JournalScan {
  Uuid journal;
  std::uint64_t first_sequence = 0;  ///< Of the trainer's records read; 0: none.
  std::uint64_t last_sequence = 0;
  std::uint64_t record_count = 0;
  std::uint64_t bytes = 0;  ///< Of all files.
  std::uint32_t segment_count = 0;
  std::uint32_t tail_count = 0;
  bool ends_open = true;  ///< False once a kTailEnd frame with 1 (the journal's end) was read.
  std::vector<Damage> damage;
};

/// Where a reading stopped: in the file of this number, and if that is a tail at the frame that begins there. If the
/// file has changed since, what is missing is looked for as behind damage.
struct ReadingPlace {
  std::uint32_t number = 0;
  std::uint64_t tail_offset = 0;
};

/// All journals whose files lie directly in `directory`, by stem. Other files are ignored.
Result<std::vector<JournalFiles>> list_journals(const std::string& directory);

/// Calls `visit` for each record of the journal: in each file's order, files by number, trainer records once per
/// sequence number and only above `after_sequence`. A segment that verifies is preferred to its tail. A cut-off
/// last tail is normal and no damage. Behind damage it goes on at the next frame that verifies. Lists the
/// directory again when a file vanishes meanwhile (sealed by the keeper). Fails only if nothing can be read at
/// all: kNotFound, kPermission, kIoError, kUnsupported, kCorrupt.
/// Files are opened with O_NOFOLLOW|O_NONBLOCK and must be regular. Needs at most one tail's (64 MiB) memory.
/// `place`, if given, makes a reading in pieces cost what one costs: it goes on where an earlier reading of the journal
/// stopped, whose last trainer record was `after_sequence`, and is told where this one stops.
Result<JournalScan> read_journal(const JournalFiles& files, std::uint64_t after_sequence, const RecordVisitor& visit,
                                 ReadingPlace* place = nullptr);

}  // namespace wb
