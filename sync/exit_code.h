// What wbsync's exit code says, and which problem wins when there are several.
#pragma once

#include <cstddef>

namespace wb {

/// The numbers are documented in `wbsync --help` and never change meaning.
enum class ExitCode : int {
  kOk = 0,            ///< Everything was done, or there was nothing to do. Runs still going are no error.
  kInternal = 1,      ///< A broken invariant of wbsync itself.
  kUsage = 2,         ///< The command line is wrong.
  kNotFound = 3,      ///< A path does not exist or cannot be read, or no journals lie below it.
  kDamage = 4,        ///< Damage was found; everything else was processed.
  kUnavailable = 5,   ///< The server could not be reached or the upload is incomplete: try again.
  kUnauthorized = 6,  ///< The key is missing or was refused.
  kQuarantined = 7,   ///< The server refused some records for good; everything else was sent.
  kNoState = 8,       ///< Ledger or store cannot be written.
  kInterrupted = 130,
};

/// The one that is more urgent to know: 130, 1, 2, 8, 6, 5, 7, 4, 3, 0.
constexpr ExitCode worse(ExitCode left, ExitCode right) noexcept {
  constexpr ExitCode kByUrgency[] = {ExitCode::kInterrupted, ExitCode::kInternal,     ExitCode::kUsage,
                                     ExitCode::kNoState,     ExitCode::kUnauthorized, ExitCode::kUnavailable,
                                     ExitCode::kQuarantined, ExitCode::kDamage,       ExitCode::kNotFound};
  for (const ExitCode code : kByUrgency) {
    if (left == code || right == code) return code;
  }
  return ExitCode::kOk;
}

}  // namespace wb
