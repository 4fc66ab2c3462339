// Rescue: completes the journals of rings that nobody keeps any more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wb/status.h"

namespace wb {

inline constexpr char kRingDirectory[] = "/dev/shm";

struct Rescued {
  std::string ring;                ///< Its path.
  std::string directory;           ///< The run's; empty if the file is no ring.
  std::uint64_t record_count = 0;  ///< The trainer's records in the journal now.
  Status status;                   ///< Not ok: the ring stays and can be rescued later; or a tail was not sealed.
};

/// Drains, seals and unlinks the orphaned rings of this user directly in `ring_directory`: regular files of our own
/// with a ring's name and mode 0600, that no keeper has locked and whose trainer is gone. `own_fd` (-1: none) is this
/// process's ring and is left out: to open and close it again would drop its lock. Takes at most kRescueMax rings.
/// A ring whose trainer was killed before it was finished holds nothing: it is removed without a word.
std::vector<Rescued> rescue_rings(const std::string& ring_directory, int own_fd);

inline constexpr std::size_t kRescueMax = 256;

}  // namespace wb
