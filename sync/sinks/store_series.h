// Series: a key's numbers thinned to at most kSeriesPointsMax points, in bounded memory, in one pass.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wb/value.h"

namespace wb {

inline constexpr std::size_t kSeriesPointsMax = 1'000;

/// Min and max of neighbouring values. Starts with one value per bucket; when the buckets are full, neighbours are
/// joined and each bucket holds twice as many from then on. Peaks are never lost, only placed less exactly in between.
class SeriesFold {
 public:
  struct Bucket {
    std::int64_t min_step = 0, max_step = 0;
    double min = 0, max = 0;
    std::uint64_t count = 0;
  };

  void add(std::int64_t step, const Value& value);

  std::uint64_t count() const { return count_; }                ///< Values of any type.
  std::uint64_t number_count() const { return number_count_; }  ///< Numbers, NaN left out.
  std::uint64_t nan_count() const { return nan_count_; }
  double min() const { return min_; }  ///< These four are of the numbers; 0 without one.
  double max() const { return max_; }
  double first() const { return first_; }
  double last() const { return last_; }
  const std::vector<Bucket>& buckets() const { return buckets_; }  ///< In order; two points each at most.

 private:
  static constexpr std::size_t kBucketCountMax = kSeriesPointsMax / 2;
  void join_neighbours();

  std::uint64_t count_ = 0, number_count_ = 0, nan_count_ = 0;
  double min_ = 0, max_ = 0, first_ = 0, last_ = 0;
  std::uint64_t values_per_bucket_ = 1;
  std::vector<Bucket> buckets_;
};

}  // namespace wb
