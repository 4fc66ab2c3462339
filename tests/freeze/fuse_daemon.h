// FuseDaemon: a file system served by a process of its own, which can be stopped, and told to refuse.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace wb::test {

/// What it shares with its daemon. Stored by the test but for `refused_count`.
struct FuseControl {
  std::atomic<int> write_error;              ///< Not 0: writes, syncs and all that changes a directory fail with it.
  std::atomic<int> read_error;               ///< Not 0: looking up, opening, reading and listing fail with it.
  std::atomic<std::uint64_t> refused_count;  ///< How often either did.
};

/// Passes all calls through to a directory of its own; locks fail with ENOLCK, as where no lock server runs.
/// Unmounted and its daemon killed with its scope.
class FuseDaemon {
 public:
  /// Throws std::runtime_error if it cannot be mounted.
  FuseDaemon();
  ~FuseDaemon();
  FuseDaemon(const FuseDaemon&) = delete;
  FuseDaemon& operator=(const FuseDaemon&) = delete;

  const std::string& path() const { return path_; }
  FuseControl& control() { return *control_; }
  void stop();  ///< SIGSTOP: from now on every call hangs.
  void go_on();

 private:
  std::string directory_;
  std::string path_;
  FuseControl* control_ = nullptr;
  pid_t daemon_ = -1;
};

}  // namespace wb::test
