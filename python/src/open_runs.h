// OpenRuns: the runs of this process that must be finished when it exits.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "wb/run.h"

namespace wb::python {

/// A run and whether it is finished.
struct OpenRun {
  explicit OpenRun(std::unique_ptr<wb::Run> opened) : run(std::move(opened)) {}

  std::unique_ptr<wb::Run> run;
  std::atomic<bool> finished{false};  // Stored by whoever finishes the run, before that begins.
};

/// Owns every run, so that exit() can finish those that the program left open with the process's real exit code:
/// after the interpreter is gone, when the code of sys.exit(n), `raise SystemExit(n)`, an uncaught exception and a
/// failed teardown are all known alike. There is one, made at the first use and never destroyed.
class OpenRuns {
 public:
  static OpenRuns& instance();

  OpenRun* add(std::unique_ptr<wb::Run> run);
  /// Frees the run if it is finished; else it stays until the process exits.
  void release(OpenRun* open_run);
  /// Finishes what is open with `exit_code`. Waits as Run::finish does.
  void finish_all(std::int32_t exit_code);

 private:
  OpenRuns();

  std::mutex mutex_;  // Held over fork by the atfork handlers, so that a child finds the list whole.
  std::list<OpenRun> runs_;
};

}  // namespace wb::python
