// Short detached threads: work that may block on a file system, done beside the training.
#pragma once

#include <csignal>
#include <functional>
#include <system_error>
#include <thread>

#include "wb/status.h"

namespace wb {

/// Runs `work` in a detached thread with all signals blocked, so that no handler of the program runs in it.
/// `work` owns all that it uses. kIoError: the system gives no thread; `work` did not run.
inline Status run_aside(std::function<void()> work) noexcept {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& error) {
    status = Status(Code::kIoError, std::string("starting a thread: ") + error.what());
  } catch (const std::bad_alloc&) {
    status = Status(Code::kIoError, "starting a thread: out of memory");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

}  // namespace wb
