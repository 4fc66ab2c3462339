// JournalContent: what a reader finds in the one journal of a directory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schema/journal/journal_reader.h"

namespace wb::test {

struct JournalContent {
  JournalScan scan;
  std::vector<std::uint64_t> sequences;                      ///< Of the trainer's records, in the order of reading.
  std::vector<std::int64_t> steps;                           ///< Of the rows.
  std::map<Kind, int> kinds;                                 ///< How many records of each kind, both sources.
  std::vector<std::map<std::string, std::int64_t>> gaps;     ///< Numbers of the gap records.
  std::vector<std::map<std::string, std::int64_t>> deaths;   ///< Numbers of the death records.
  std::vector<std::map<std::string, std::int64_t>> signals;  ///< Numbers of the signal records.
};

/// Reads the one journal in `directory`; a test failure if there is another number of journals or it cannot be read.
JournalContent read_only_journal(const std::string& directory);

/// True if the trainer's records are 1 to `last`, each once and in order.
bool is_each_once(const std::vector<std::uint64_t>& sequences, std::uint64_t last);

/// Names of the files in `directory` that end in `ending`, sorted.
std::vector<std::string> files_ending_in(const std::string& directory, const std::string& ending);

/// A new directory for one test, removed with its scope.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wb::test
