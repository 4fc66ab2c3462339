// Short threads of the writer: work that may block or take milliseconds, done beside the training.
#pragma once

#include <csignal>
#include <exception>
#include <functional>
#include <thread>

#include "wb/status.h"

namespace wb {

/// Starts `work` in a thread with all signals blocked, so that no handler of the program runs in it. kIoError: the
/// system gives no thread, or memory is short; `work` did not run.
inline Result<std::thread> start_thread(std::function<void()> work) noexcept {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // A text so short that it needs no memory: this also runs where there is none.
  Result<std::thread> thread = Status(Code::kIoError, "no thread");
  try {
    thread = std::thread(std::move(work));
  } catch (const std::exception&) {  // It says so already.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

/// As start_thread(), detached. `work` owns all that it uses.
inline Status run_aside(std::function<void()> work) noexcept {
  auto thread = start_thread(std::move(work));
  if (!thread.ok()) return {Code::kIoError, "no thread"};
  thread.value().detach();
  return {};
}

}  // namespace wb
