// Environment variables in, one line a test out.
#include "tests/power/cases.h"

#include <cstdlib>
#include <iostream>
#include <random>

namespace wb::test {

std::uint32_t test_seed() {
  const char* const text = std::getenv("WB_POWER_SEED");
  const auto seed =
      text != nullptr ? static_cast<std::uint32_t>(std::strtoull(text, nullptr, 10)) : std::random_device()();
  std::cout << "seed " << seed << std::endl;
  return seed;
}

std::size_t states_per_recording() {
  const char* const text = std::getenv("WB_POWER_STATES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 100;
}

CaseCount::~CaseCount() {
  std::cout << "power: " << kind_ << ": " << passed_ << " passed, " << failed_ << " failed" << std::endl;
}

}  // namespace wb::test
