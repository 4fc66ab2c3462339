// Seals a tail: the same records as a segment, verified, then the tail goes.
#pragma once

#include <cstdint>

#include "wb/status.h"
#include "writer/tail_directory.h"

namespace wb {

/// Packs tail `number` into its segment, syncs it, renames it into place, reads it back, and removes the tail. Ok if
/// the tail is gone already. On failure the tail stays and nothing else is left behind.
Status pack_tail(const JournalPlace& place, std::uint32_t number);

}  // namespace wb
