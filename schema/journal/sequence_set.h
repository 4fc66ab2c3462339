// SequenceSet: which sequence numbers of one source have been seen, kept as ranges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace wb {

/// Sequence numbers, both ends included.
struct SequenceRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  friend bool operator==(const SequenceRange&, const SequenceRange&) = default;
};

/// A set of numbers from 1 on. Numbers that come in order cost nothing but the first range.
class SequenceSet {
 public:
  /// False if the number is 0 or there already.
  bool insert(std::uint64_t number) {
    if (number == 0) return false;
    auto after = ranges_.upper_bound(number);  // The first range that begins behind the number.
    if (after != ranges_.begin()) {
      const auto before = std::prev(after);
      if (before->second >= number) return false;
      if (before->second + 1 == number) {
        before->second = number;
        if (after != ranges_.end() && after->first == number + 1) {
          before->second = after->second;
          ranges_.erase(after);
        }
        return true;
      }
    }
    std::uint64_t last = number;
    if (after != ranges_.end() && after->first == number + 1) {
      last = after->second;
      ranges_.erase(after);
    }
    ranges_.emplace(number, last);
    return true;
  }

  bool contains(std::uint64_t number) const {
    const auto after = ranges_.upper_bound(number);
    return after != ranges_.begin() && std::prev(after)->second >= number;
  }

  std::uint64_t first() const { return ranges_.empty() ? 0 : ranges_.begin()->first; }
  std::uint64_t last() const { return ranges_.empty() ? 0 : ranges_.rbegin()->second; }

  /// What is missing between the first and the last number.
  std::vector<SequenceRange> gaps() const {
    std::vector<SequenceRange> missing;
    for (auto range = ranges_.begin(); range != ranges_.end() && std::next(range) != ranges_.end(); ++range) {
      missing.push_back({range->second + 1, std::next(range)->first - 1});
    }
    return missing;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // First to last; never touching each other.
};

}  // namespace wb
