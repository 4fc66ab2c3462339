// What `wbsync sync` says about each run and about the whole call.
#pragma once

#include <string>
#include <vector>

#include "sync/engine.h"

namespace wb {

struct SyncReport {
  std::string target;  ///< "wandb:URL".
  std::string base_url;
  std::vector<RunReport> runs;  ///< In the order of the models.
};

/// The worst of all runs.
ExitCode sync_exit_code(const SyncReport& report);

/// Runs that changed, one line each, and a line that sums up, to stdout; problems, each once, to stderr.
void print_sync_report(const std::vector<RunModel>& models, const SyncReport& report);

/// One JSON object per run, then {"summary":{...}}, to stdout; problems to stderr as above.
void print_sync_json(const std::vector<RunModel>& models, const SyncReport& report, ExitCode exit_code);

}  // namespace wb
