// Tally: how many points were looked at, and how many of them a test must look at.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace wb::test {

/// One program's share of the work.
struct Tally {
  std::uint64_t points = 0;      ///< Instructions after which the process could have been killed.
  std::uint64_t states = 0;      ///< Of them those that left something else behind than the point before.
  std::uint64_t recoveries = 0;  ///< States that were recovered.
  std::uint64_t kills = 0;       ///< Real SIGKILLs with the real rescue.

  void print(const std::string& what) const {
    std::printf("%s: %llu points, %llu states, %llu recoveries, %llu kills\n", what.c_str(),
                static_cast<unsigned long long>(points), static_cast<unsigned long long>(states),
                static_cast<unsigned long long>(recoveries), static_cast<unsigned long long>(kills));
  }
};

/// A number of the environment; tools/campaign step sets larger ones than the default.
inline std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// WB_STEP_SEED, else a random one; told with every failure.
inline std::uint64_t step_seed() {
  return setting("WB_STEP_SEED", std::random_device()());
}

}  // namespace wb::test
