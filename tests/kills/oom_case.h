// OOM case: a rank and its keeper in a memory cgroup that a hog fills, until the kernel kills one of them or both.
#pragma once

#include <string>

#include "tests/kills/kill_case.h"

namespace wb::test {

enum class OomKind : std::uint8_t {
  kTrainer,      ///< The hog is another process; the kernel chooses the trainer.
  kKeeper,       ///< It chooses the keeper; the trainer gets another one and finishes.
  kBoth,         ///< It kills both, one after the other.
  kTrainerGrows  ///< The trainer is the hog itself.
};
inline constexpr std::size_t kOomKindCount = 4;
std::string_view oom_kind_name(OomKind kind) noexcept;

/// Empty, or why there are no memory cgroups here.
std::string no_memory_groups();

struct OomTotals {
  bool ran = false;
  std::array<std::uint64_t, kOomKindCount> cases{};
  std::array<std::uint64_t, kOomKindCount> failed{};
  std::array<std::uint64_t, kOomKindCount> accepted_rows{};
  std::uint64_t kernel_kills = 0;  ///< As the cgroups counted them.
};

/// `count` cases, the kinds in turn, four at a time, in an arena. Journals of failed cases stay in `directory`.
OomTotals run_oom_kills(std::uint64_t seed, std::uint64_t count, const KillPrograms& programs,
                        const std::string& directory);

}  // namespace wb::test
