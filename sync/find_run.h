// Finding what a person means by RUN: an id, a group, or a path.
#pragma once

#include <string>

#include "sync/run_model.h"

namespace wb {

/// The runs meant by `run`: all below it if it is a path that exists; else those below `path` with this id; else those
/// of this group. No run: the discovery has a problem that says so, besides what else it found.
Discovery find_runs(const std::string& run, const std::string& path);

}  // namespace wb
