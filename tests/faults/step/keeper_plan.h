// KeeperPlan: what a stepped keeper finds, and what fails under it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/limits.h"
#include "tests/faults/step/calls.h"

namespace wb::test {

/// A system call that fails instead of taking place.
struct PlannedFault {
  enum class Kind : std::uint8_t {
    kSync,   ///< fdatasync gives EIO.
    kWrite,  ///< A write of more than a tail's head gives ENOSPC.
    kShort,  ///< Such a write takes half of its bytes; the next one gives ENOSPC.
  };
  Kind kind = Kind::kSync;
  int index = 0;  ///< Of the calls of its kind, from 0.
};

/// One stepped keeper. In each round the trainer's next rows are in the ring; the last round ends the journal.
struct KeeperPlan {
  enum class Earlier : std::uint8_t {
    kNone,
    kKilled,   ///< An earlier keeper has written the first round's rows and died before it gave back their space.
    kFailing,  ///< The same, and its last sync had failed.
  };
  std::string name;
  int round_count = 4;
  int rows_per_round = 8;
  int drops_per_round = 0;
  std::size_t tail_bytes_max = kTailBytesMax;
  Earlier earlier = Earlier::kNone;
  std::vector<PlannedFault> faults;
  bool ends = false;       ///< After the rounds: the finish record, the end, and the ring is unlinked.
  bool seals = false;      ///< Tails that are complete are sealed, as keep() does.
  bool is_rescue = false;  ///< Instead of all that: rescue_rings(), the trainer being dead.
  /// Not instruction by instruction but from system call to system call: sealing is millions of instructions in private
  /// memory. No planned faults then.
  bool goes_by_syscalls = false;
};

struct KeeperPlanMaker {
  const char* name;
  KeeperPlan (*make)(Random& random);
};
std::span<const KeeperPlanMaker> keeper_plans();

}  // namespace wb::test
