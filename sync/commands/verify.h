// `wbsync verify PATH...`: reads everything and names what is damaged or missing.
#pragma once

#include <string>
#include <vector>

#include "sync/exit_code.h"

namespace wb {

struct VerifyOptions {
  std::vector<std::string> paths;
  bool json = false;
};

ExitCode run_verify(const VerifyOptions& options);

}  // namespace wb
