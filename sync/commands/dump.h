// `wbsync dump RUN|DIR [PATH]`: every record as one JSON line.
#pragma once

#include <string>

#include "sync/exit_code.h"

namespace wb {

struct DumpOptions {
  std::string run;   ///< A run id, a group, or a path of a directory or journal file.
  std::string path;  ///< Where to look for a run id or group.
  bool all = false;  ///< Key records and the keeper's records too.
  std::string kind;  ///< Only records of this kind; empty: all kinds.
};

ExitCode run_dump(const DumpOptions& options);

}  // namespace wb
