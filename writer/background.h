// Short threads of the writer: work that may block or take milliseconds, done beside the training.
#pragma once

#include <csignal>
#include <functional>
#include <system_error>
#include <thread>

#include "wb/status.h"

namespace wb {

/// Starts `work` in a thread with all signals blocked, so that no handler of the program runs in it. kIoError: the
/// system gives no thread; `work` did not run.
inline Result<std::thread> start_thread(std::function<void()> work) noexcept {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<std::thread> thread = Status(Code::kIoError, "starting a thread: out of memory");
  try {
    thread = std::thread(std::move(work));
  } catch (const std::system_error& error) {
    thread = Status(Code::kIoError, std::string("starting a thread: ") + error.what());
  } catch (const std::bad_alloc&) {  // It says so already.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

/// As start_thread(), detached. `work` owns all that it uses.
inline Status run_aside(std::function<void()> work) noexcept {
  auto thread = start_thread(std::move(work));
  if (!thread.ok()) return thread.status();
  thread.value().detach();
  return {};
}

}  // namespace wb
