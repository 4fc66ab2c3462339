// `wbsync [sync] PATH...`: uploads runs to a server, or fills the local store.
#pragma once

#include <string>
#include <vector>

#include "sync/exit_code.h"

namespace wb {

struct SyncOptions {
  std::vector<std::string> paths;  ///< Never empty: the default is ./runs.
  std::string to;                  ///< "wandb:URL", "store", or empty: WANDB_BASE_URL if set, else store.
  std::string state_dir;           ///< Empty: PATH/.wbsync of the first path.
  bool json = false;               ///< JSON lines on stdout instead of text.
  bool dry_run = false;            ///< Says what would be sent; sends and writes nothing.
  int jobs = 4;                    ///< Runs that are uploaded at the same time, 1 to 64.
  std::string project;             ///< Overrides every run's project.
  std::string entity;              ///< Overrides every run's entity.
};

/// Runs the command; prints to stdout (results) and stderr (progress and problems).
ExitCode run_sync(const SyncOptions& options);

}  // namespace wb
