// SignalReader: the keeper's signals as records, never as handlers.
#pragma once

#include <vector>

#include "schema/descriptor.h"
#include "writer/drain.h"

namespace wb {

/// Blocks all signals in this thread and those it starts later, and reads them from a signalfd.
class SignalReader {
 public:
  SignalReader();
  /// The signals that came since the last call; SIGCHLD and the like are left out.
  std::vector<SignalSeen> read();

 private:
  Descriptor file_;
};

}  // namespace wb
