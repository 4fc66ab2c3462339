// verify: what discovery and a second look at each segment find.
#include "sync/commands/verify.h"

#include <cstdio>

#include "sync/discovery_report.h"
#include "sync/json.h"
#include "sync/run_model.h"
#include "sync/text.h"

namespace wb {
namespace {

struct Totals {
  std::uint64_t journals = 0, files = 0, records = 0, bytes = 0;
};

/// A segment is checked as a whole here: reading skips nothing, but only verify() also checks what no record needs.
void check_segments(const JournalModel& journal, Discovery& discovery) {
  for (const JournalFileName& file : journal.files.files) {
    if (file.kind != FileKind::kSegment) continue;
    const std::string path = journal.files.directory + "/" + journal_file(file.stem, file.number, file.kind);
    const Result<std::unique_ptr<SegmentReader>> reader = SegmentReader::open(path);
    const Status status = reader.ok() ? reader.value()->verify() : reader.status();
    if (status.ok() || status.code() == Code::kNotFound) continue;  // Sealed anew or compacted meanwhile.
    bool known = false;
    for (const Damage& damage : discovery.damage) known |= damage.path == path;
    if (!known) discovery.damage.push_back({.path = path, .code = status.code(), .what = status.message()});
  }
}

void print_journal(const RunModel& run, const JournalModel& journal) {
  std::printf("%s: run %s, rank %lld, %llu records, %llu rows, %zu damaged place%s\n",
              printable(journal.files.directory + "/" + journal.files.stem).c_str(), printable(run.id).c_str(),
              static_cast<long long>(journal.rank), static_cast<unsigned long long>(journal.scan.record_count),
              static_cast<unsigned long long>(journal.row_count), journal.scan.damage.size(),
              journal.scan.damage.size() == 1 ? "" : "s");
}

void print_totals_json(const Totals& totals, const Discovery& discovery) {
  std::string line = "{\"runs\":" + std::to_string(discovery.runs.size());
  line += ",\"journals\":" + std::to_string(totals.journals) + ",\"files\":" + std::to_string(totals.files);
  line += ",\"records\":" + std::to_string(totals.records) + ",\"bytes\":" + std::to_string(totals.bytes);
  line += ",\"damage\":" + std::to_string(discovery.damage.size());
  line += ",\"problems\":" + std::to_string(discovery.problems.size()) + "}";
  std::puts(line.c_str());
}

}  // namespace

ExitCode run_verify(const VerifyOptions& options) {
  Discovery discovery = discover(options.paths);
  Totals totals;
  for (const RunModel& run : discovery.runs) {
    for (const JournalModel& journal : run.journals) {
      check_segments(journal, discovery);
      ++totals.journals;
      totals.files += journal.scan.segment_count + journal.scan.tail_count;
      totals.records += journal.scan.record_count;
      totals.bytes += journal.scan.bytes;
      if (!options.json) print_journal(run, journal);
    }
  }
  if (options.json) {
    for (const Damage& damage : discovery.damage) std::puts(damage_json(damage).c_str());
    print_totals_json(totals, discovery);
  } else {
    std::printf("%llu journals, %llu files, %llu records, %llu bytes read: %s\n",
                static_cast<unsigned long long>(totals.journals), static_cast<unsigned long long>(totals.files),
                static_cast<unsigned long long>(totals.records), static_cast<unsigned long long>(totals.bytes),
                !discovery.damage.empty() ? "DAMAGED"
                : totals.journals == 0    ? "nothing was there to read"
                                          : "no damage");
  }
  std::fflush(stdout);
  print_problems(discovery);
  return discovery_exit_code(discovery);
}

}  // namespace wb
