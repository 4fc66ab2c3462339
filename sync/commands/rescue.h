// `wbsync rescue`: drains the rings that lost their keeper on this machine, by `wbkeep --rescue`.
#pragma once

#include <string>

#include "sync/exit_code.h"

namespace wb {

struct RescueOptions {
  bool json = false;
};

ExitCode run_rescue(const RescueOptions& options);

/// Finds wbkeep: WB_KEEPER_PATH, then beside this program, then in PATH. Empty if it is nowhere.
std::string find_keeper_program();

}  // namespace wb
