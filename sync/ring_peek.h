// Ring peek: how far a running journal's keeper is, read from its ring without touching it.
#pragma once

#include <cstdint>
#include <optional>

#include "schema/uuid.h"

namespace wb {

/// Trainer sequence numbers; what the ring said at one moment.
struct RingCounts {
  std::uint64_t accepted_sequence = 0;  ///< A0.
  std::uint64_t written_sequence = 0;   ///< A1.
  std::uint64_t durable_sequence = 0;   ///< A2.
  std::uint64_t dropped_count = 0;
};

/// Nothing if this machine has no ring of that journal, or it may not be read.
std::optional<RingCounts> peek_ring(const Uuid& journal);

}  // namespace wb
