// Freezer: freezes a file system from a process of its own, which thaws it whatever becomes of the test.
#pragma once

#include <sys/types.h>

#include <string>

namespace wb::test {

/// Frozen (FIFREEZE) from construction until thaw(), the end of its scope or of the test's process, or `most_seconds`.
class Freezer {
 public:
  /// Throws std::runtime_error if the file system cannot be frozen.
  Freezer(const std::string& mount_path, int most_seconds);
  ~Freezer() { thaw(); }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  void thaw();

 private:
  pid_t guard_ = -1;
  int control_ = -1;  // Closed: thaw. The kernel closes it too if the test is killed.
};

}  // namespace wb::test
