// Keeper: one ring, from its first record to the sealed journal.
#pragma once

#include <cstddef>

#include "schema/limits.h"
#include "wb/status.h"

namespace wb {

struct KeeperOptions {
  std::size_t tail_bytes_max = kTailBytesMax;
};

/// Keeps the ring behind `ring_fd` until its journal is complete and sealed. Ok at once if another keeper has it. Fails
/// if the descriptor is no ring, if the journal could not be created at the start (the trainer is told), or if a tail
/// could not be sealed (it stays, complete). Blocks this thread's signals. The descriptor stays open.
Status keep(int ring_fd, const KeeperOptions& options);

}  // namespace wb
