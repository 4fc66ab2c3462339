// Cuts: where raw bytes change so much that they had better be coded apart.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace wb {

/// Those of the rising offsets `candidates` at which a code of its own for the bytes before and behind saves more than
/// it costs.
std::vector<std::size_t> choose_cuts(std::span<const std::byte> raw, std::span<const std::size_t> candidates);

}  // namespace wb
