// The seed of a power cut test and the count of its cases, printed as `tools/campaign power` reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace wb::test {

/// WB_POWER_SEED, or a random one. Prints it. The same seed gives the same rows and choices, not the same moments.
std::uint32_t test_seed();

/// WB_POWER_STATES, or 100: of each recording.
std::size_t states_per_recording();

/// Counts the cases of one test; what it has counted is printed with its scope.
class CaseCount {
 public:
  explicit CaseCount(std::string kind) : kind_(std::move(kind)) {}
  ~CaseCount();
  CaseCount(const CaseCount&) = delete;
  CaseCount& operator=(const CaseCount&) = delete;

  void add(bool passed) { ++(passed ? passed_ : failed_); }
  std::size_t total() const { return passed_ + failed_; }
  bool all_passed() const { return failed_ == 0; }

 private:
  std::string kind_;
  std::size_t passed_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace wb::test
