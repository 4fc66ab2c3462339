// A run of many journals on disk: what the benchmarks of reading begin with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/support/arguments.h"
#include "bench/support/scratch.h"
#include "bench/support/workload.h"
#include "wb/status.h"

namespace wb::bench {

/// Reads --journals, --rows, --rounds and --directory, and finishes the arguments.
class JournalGroup {
 public:
  JournalGroup(Arguments& arguments, std::int64_t rounds);

  /// Writes the journals of the run `run_id` below path(): ranks 0 and up, finished and sealed.
  Status make(std::string_view run_id) const;

  const std::string& path() const { return scratch_.path(); }
  std::int64_t rounds() const { return rounds_; }
  std::uint64_t journals() const { return journals_; }
  std::size_t rows() const { return rows_; }  ///< Of each journal.
  std::uint64_t points() const { return journals_ * rows_ * kMetricCount; }

 private:
  std::uint64_t journals_;
  std::size_t rows_;
  std::int64_t rounds_;
  ScratchDirectory scratch_;
};

}  // namespace wb::bench
