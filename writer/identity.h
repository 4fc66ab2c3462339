// Which process of which job this is, as the environment tells it. docs/identity.md is its table for users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wb/run.h"
#include "writer/environment.h"

namespace wb {

struct Identity {
  std::optional<std::int64_t> rank;  ///< Nothing: this process is alone as far as anybody knows.
  std::optional<std::int64_t> world_size;
  std::optional<std::int64_t> local_rank;
  std::optional<std::int64_t> node_rank;
  std::int64_t attempt = 0;  ///< Rises with each start of the same job.
  std::string job;           ///< The scheduler's or launcher's name for the job; arrays: JOB_TASK.
  std::string launcher;      ///< "torchrun", "env", "slurm", "openmpi", "pmi", ...; empty: none.
};

/// Explicit options, then WB_*, then torchrun, Slurm, MPI and others. A pure function of its arguments.
Identity resolve_identity(const Options& options, const Environment& environment);

}  // namespace wb
