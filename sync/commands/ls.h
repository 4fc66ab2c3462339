// `wbsync ls [PATH...]`: one line per journal of every run.
#pragma once

#include <string>
#include <vector>

#include "sync/exit_code.h"

namespace wb {

struct LsOptions {
  std::vector<std::string> paths;  ///< Never empty: the default is ./runs.
  std::string state_dir;           ///< Where the ledger lies; empty: PATH/.wbsync of the first path.
  bool json = false;
};

ExitCode run_ls(const LsOptions& options);

}  // namespace wb
