// The keeper's sign of life in the ring.
#pragma once

#include "schema/ring_layout.h"
#include "writer/clock.h"

namespace wb {

/// Refreshes the heartbeat and the offset of the wall clock.
inline void beat(RingKeeper& keeper) noexcept {
  const Timestamp now = timestamp_now();
  keeper.wall_offset_us.store(now.wall_offset_us, std::memory_order_relaxed);
  keeper.heartbeat_ns.store(now.mono_ns, std::memory_order_release);
}

}  // namespace wb
