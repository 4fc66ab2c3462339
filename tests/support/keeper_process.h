// KeeperProcess: the real wbkeep as a child, with a ring as descriptor 3.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace wb::test {

struct ProcessEnd {
  int exit_code = -1;  ///< -1: ended by a signal.
  int signal = 0;
  std::string errors;  ///< What it wrote to stderr.
};

/// Killed and collected with its scope.
class KeeperProcess {
 public:
  /// Runs `program` (first element: its path) with `ring_fd` as descriptor 3. `in_child` runs before exec.
  KeeperProcess(const std::vector<std::string>& program, int ring_fd, const std::function<void()>& in_child = nullptr);
  ~KeeperProcess();
  KeeperProcess(const KeeperProcess&) = delete;
  KeeperProcess& operator=(const KeeperProcess&) = delete;

  pid_t pid() const { return pid_; }
  void kill(int signal) const;
  /// Waits for its end, at most a minute (then it is killed and the test fails).
  ProcessEnd wait();

 private:
  pid_t pid_ = -1;
  int errors_fd_ = -1;
};

/// wbkeep --foreground of this build, with more arguments.
std::vector<std::string> foreground_keeper(const std::string& binary_directory,
                                           const std::vector<std::string>& more = {});

/// Polls until the condition holds; false after `seconds`.
bool eventually(const std::function<bool()>& condition, int seconds = 30);

}  // namespace wb::test
