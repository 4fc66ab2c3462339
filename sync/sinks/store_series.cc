// Series: the thinning of the local store.
#include "sync/sinks/store_series.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "sync/number.h"

namespace wb {
namespace {

void join(SeriesFold::Bucket& into, const SeriesFold::Bucket& from) {
  if (from.min < into.min) {
    into.min = from.min;
    into.min_step = from.min_step;
  }
  if (from.max > into.max) {
    into.max = from.max;
    into.max_step = from.max_step;
  }
  into.count += from.count;
}

}  // namespace

void SeriesFold::add(std::int64_t step, const Value& value) {
  ++count_;
  const std::optional<double> number = number_of(value);
  if (!number) return;
  if (std::isnan(*number)) {
    ++nan_count_;
    return;
  }
  if (number_count_++ == 0) first_ = min_ = max_ = *number;
  last_ = *number;
  min_ = std::min(min_, *number);
  max_ = std::max(max_, *number);
  const Bucket one{.min_step = step, .max_step = step, .min = *number, .max = *number, .count = 1};
  if (buckets_.size() == kBucketCountMax && buckets_.back().count == values_per_bucket_) join_neighbours();
  if (buckets_.empty() || buckets_.back().count == values_per_bucket_) {
    buckets_.push_back(one);
  } else {
    join(buckets_.back(), one);
  }
}

void SeriesFold::join_neighbours() {
  std::vector<Bucket> joined;
  joined.reserve(kBucketCountMax);
  for (std::size_t i = 0; i < buckets_.size(); i += 2) {
    joined.push_back(buckets_[i]);
    if (i + 1 < buckets_.size()) join(joined.back(), buckets_[i + 1]);
  }
  buckets_ = std::move(joined);
  values_per_bucket_ *= 2;
}

}  // namespace wb
