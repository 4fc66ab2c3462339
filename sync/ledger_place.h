// Where wbsync keeps its state, and the lease that lets one wbsync at a time change it.
#pragma once

#include <memory>
#include <string>

#include "wb/status.h"

namespace wb {

/// The state directory for a call: `option` (--state) if it is not empty; else the `.wbsync` that `path` or one of
/// the four directories above it has already; else PATH/.wbsync, where PATH is `path`, or the directory above it if
/// `path` is a journal file or a run's directory (nothing is written into those). Looks only; creates nothing.
std::string state_directory(const std::string& path, const std::string& option);

/// Creates the directory (0700 minus umask; its parent must exist). kPermission, kNoSpace, kIoError; messages name
/// the path and what to do.
Status make_state_directory(const std::string& directory);

/// Held while this process may change the state in a directory; given back with its scope, also by SIGKILL.
class Lease {
 public:
  /// kTimeout: another process has it; the message names that process.
  static Result<Lease> take(const std::string& directory);

  Lease(Lease&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Lease& operator=(Lease&&) = delete;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease();

 private:
  explicit Lease(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace wb
