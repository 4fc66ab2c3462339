// Turns the process into one that nothing of its parent holds, and that holds nothing of its parent.
#pragma once

#include "wb/status.h"

namespace wb {

inline constexpr int kRingDescriptor = 3;

/// Closes all descriptors but the ring's, puts 0 to 2 on /dev/null, leaves session and directory, and forks: the parent
/// ends at once, the child returns. kIoError: the fork failed; this process goes on instead.
Status become_daemon();

/// Nice 10, and every CPU that the job may use: the trainer may have pinned itself to one.
void lower_priority();

}  // namespace wb
