// dump: journals one after the other, records as they stand in them.
#include "sync/commands/dump.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "sync/discovery_report.h"
#include "sync/find_run.h"
#include "sync/record_json.h"

namespace wb {
namespace {

bool is_wanted(const Frame& frame, const DumpOptions& options, const std::optional<Kind>& kind) {
  if (kind) return frame.kind == *kind;
  return options.all || (frame.source == Source::kTrainer && frame.kind != Kind::kKey);
}

/// False if stdout takes no more (a closed pipe, a full disk).
bool dump_journal(const JournalModel& journal, const DumpOptions& options, const std::optional<Kind>& kind,
                  Status& read_status) {
  bool can_write = true;
  const Result<JournalScan> scan = read_journal(journal.files, 0, [&](const Frame& frame) {
    if (!is_wanted(frame, options, kind)) return true;
    const std::string line = record_json(journal, frame) + "\n";
    can_write = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
    return can_write;
  });
  if (!scan.ok()) read_status = scan.status();
  return can_write;
}

}  // namespace

ExitCode run_dump(const DumpOptions& options) {
  const std::optional<Kind> kind = options.kind.empty() ? std::nullopt : kind_of_name(options.kind);
  if (!options.kind.empty() && !kind) {
    std::fprintf(stderr, "wbsync: no kind of record is called \"%s\"\n", options.kind.c_str());
    return ExitCode::kUsage;
  }
  const Discovery discovery = find_runs(options.run, options.path);
  print_problems(discovery);
  ExitCode code = discovery_exit_code(discovery);
  for (const RunModel& run : discovery.runs) {
    for (const JournalModel& journal : run.journals) {
      Status read_status;
      if (!dump_journal(journal, options, kind, read_status)) {
        const int error = errno;  // EPIPE: whoever read has enough, as head does.
        if (error != EPIPE) std::fprintf(stderr, "wbsync: cannot write to stdout: %s\n", std::strerror(error));
        return worse(code, ExitCode::kInternal);
      }
      if (read_status.ok()) continue;
      std::fprintf(stderr, "wbsync: %s\n", read_status.message().c_str());
      code = worse(code, ExitCode::kDamage);
    }
  }
  if (std::fflush(stdout) != 0) return worse(code, ExitCode::kInternal);
  return code;
}

}  // namespace wb
