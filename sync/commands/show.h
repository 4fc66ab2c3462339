// `wbsync show RUN [PATH]`: everything that the journals say about one run.
#pragma once

#include <string>

#include "sync/exit_code.h"

namespace wb {

struct ShowOptions {
  std::string run;   ///< A run id, or a path of a run's directory or journal file.
  std::string path;  ///< Where to look for a run id.
  bool json = false;
};

ExitCode run_show(const ShowOptions& options);

}  // namespace wb
