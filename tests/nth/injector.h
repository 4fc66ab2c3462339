// Injector: runs a program and makes one of its system calls fail, or that one and all later ones of its kind.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/nth/phase.h"

namespace wb::test {

/// What is to fail.
struct Injection {
  Phase phase = Phase::kNone;  ///< Calls count while the program is in it; kNone: once it is a keeper, to its end.
  std::uint64_t nth = 0;       ///< Of the calls that may fail, from 1; 0: none fails.
  int error = 0;
  bool forever =
      false;  ///< All later ones of the same kind fail too; EINTR only a hundred times, since all go on then.
};

struct Outcome {
  std::uint64_t call_count = 0;    ///< Calls that may fail, in the phase.
  std::uint64_t failed_count = 0;  ///< 0: the program made fewer calls this time.
  long number = -1;                ///< Of the system call that failed.
  bool timed_out = false;          ///< It was killed by the watchdog.
  bool was_stopped = false;        ///< It was killed by `stop_after`.
  int exit_code = -1;              ///< Of the last process that ended; -1: by a signal.
  int signal = 0;
};

struct Traced {
  std::vector<std::string> words;  ///< Program and arguments.
  std::function<void()> in_child;  ///< Before exec.
  bool follows_forks = false;      ///< Trace its child processes too; else only its threads.
  int watchdog_seconds = 20;
  std::uint64_t stop_after = UINT64_MAX;  ///< Killed (SIGKILL) once so many calls have failed and a second is over.
};

/// Runs it to its end, by ptrace. x86-64. No other thread of this process may wait for children meanwhile.
Outcome run_injected(const Traced& traced, const Injection& injection);

}  // namespace wb::test
