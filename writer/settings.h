// The settings of a run: options, then the environment, then defaults.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wb/run.h"
#include "wb/status.h"
#include "writer/environment.h"
#include "writer/identity.h"

namespace wb {

struct Settings {
  std::string project;
  std::string entity;
  std::string group;
  std::string job_type;
  std::string name;
  std::string id;
  std::string notes;
  std::string mode;  ///< WB_MODE or WANDB_MODE as it stands; only recorded.
  std::vector<std::string> tags;
  std::string directory;  ///< DIR, absolute, without a trailing slash.
  std::size_t ring_bytes = 0;
  KeeperMode keeper = KeeperMode::kAuto;
  std::string keeper_path;             ///< Empty: look beside the library.
  std::uint32_t sync_interval_ms = 0;  ///< 0: the keeper chooses by the file system.
  std::int64_t wait_when_full_ms = 0;
  Identity identity;
};

/// kInvalidArgument: an option or a variable has a value that makes no sense; the message names it.
/// `random_id` is used if nothing names the run. `working_directory` may be empty if DIR is absolute.
Result<Settings> resolve_settings(const Options& options, const Environment& environment, const std::string& random_id,
                                  const std::string& working_directory);

}  // namespace wb
