// TrainerProcess: a real training process under test, its report, what it said, and how long its exit took.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/freeze/report.h"

namespace wb::test {

enum class Language : std::uint8_t { kCpp, kPython };

/// How a trainer ended.
struct TrainerEnd {
  int exit_code = -1;          ///< -1: ended by a signal.
  std::int64_t exit_ns = 0;    ///< From its call of finish() until the process was gone.
  std::int64_t waited_ns = 0;  ///< Of that time, what its main thread waited for a processor that others had.
};

/// Killed and collected with its scope; the keeper that it started goes on.
class TrainerProcess {
 public:
  /// Starts logging into DIRECTORY/run at `rate` calls a second (0: as fast as it can). `settings`: NAME=value.
  TrainerProcess(Language language, const std::string& directory, double rate,
                 const std::vector<std::string>& settings = {});
  ~TrainerProcess();
  TrainerProcess(const TrainerProcess&) = delete;
  TrainerProcess& operator=(const TrainerProcess&) = delete;

  const TrainerReport& report() const { return *report_; }
  pid_t pid() const { return pid_; }
  /// The process id of the keeper; 0 if there is none.
  pid_t keeper() const;
  bool is_alive() const;

  /// Waits until it logs; a test failure after ten seconds.
  void await_logging() const;
  /// Tells it to finish and waits for its end; a test failure after a minute.
  TrainerEnd finish();
  /// The lines that it wrote to stderr so far.
  std::vector<std::string> said() const;

 private:
  pid_t pid_ = -1;
  int errors_fd_ = -1;
  TrainerReport* report_ = nullptr;
};

std::int64_t monotonic_now_ns();

}  // namespace wb::test
