// Local store: runs, config, summary, keys and thinned series as plain SQLite tables, for looking without a server.
// The tables are documented in docs/store.md. All points stay in the journals.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sync/run_model.h"
#include "wb/status.h"

namespace wb {

inline constexpr std::int64_t kStoreVersion = 1;

struct StoreReport {
  std::uint64_t written_count = 0;    ///< Runs that were filled anew.
  std::uint64_t unchanged_count = 0;  ///< Runs that stood there already with the same records and state.
  std::uint64_t row_count = 0;        ///< Rows of the runs that were filled.
  std::vector<Status> failures;       ///< Runs that could not be read to the end; they are as they were before.
};

/// Told after each run. `written` is false for an unchanged one.
using StoreProgress =
    std::function<void(const RunModel& run, std::size_t done_count, std::size_t run_count, bool written)>;

/// Brings the store in the file `path` up to date, one transaction per run; the file and its directory are created.
/// Idempotent: a run whose journals, last sequence numbers and states are unchanged is skipped. Runs that are in the
/// store and not in `runs` stay. Fails with kNoSpace, kPermission, kIoError, kTimeout (another process writes to it),
/// kUnsupported (made by a newer wbsync), kCorrupt; what was committed before stays.
Result<StoreReport> update_store(const std::string& path, const std::vector<RunModel>& runs,
                                 const StoreProgress& progress);

}  // namespace wb
