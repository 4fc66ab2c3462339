// Kills: many kill cases in an arena of their own, counted by kind.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/kills/kill_case.h"

namespace wb::test {

struct KillPlan {
  std::uint64_t seed = 0;
  std::array<std::uint64_t, kKillKindCount> counts{};  ///< Cases of each kind; of a team's kind in steps of eight.
  KillPrograms programs;
  std::string directory;  ///< For the journals; those of failed cases stay.
};

/// `count` cases in the proportions of the campaign, and the programs of a build tree.
KillPlan plan_kills(std::uint64_t seed, std::uint64_t count, const std::string& binary_directory,
                    const std::string& directory);

struct KindTotals {
  std::uint64_t cases = 0;
  std::uint64_t failed = 0;
  std::uint64_t accepted_rows = 0, read_rows = 0, refused_rows = 0, lost_rows = 0;
  std::uint64_t rescued = 0, respawned = 0, finished = 0;
  std::vector<std::int64_t> lost_ns;  ///< Of the cases that lost rows, sorted.
};

struct KillTotals {
  bool ran = false;  ///< False: there is no arena on this machine; stderr says why.
  std::array<KindTotals, kKillKindCount> kinds;
  std::uint64_t left_rings = 0;  ///< Files in /dev/shm at the end, after a last rescue.
  std::uint64_t cases() const;
  std::uint64_t failed() const;
};

/// Eight at a time. What fails is told on stderr with its number, kind and directory.
KillTotals run_kills(const KillPlan& plan);

/// One line a kind.
std::string describe(const KillTotals& totals);

}  // namespace wb::test
