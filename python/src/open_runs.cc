// OpenRuns: the exit and fork handlers of the process.
#include "open_runs.h"

#include <pthread.h>
#include <stdlib.h>

#include <algorithm>
#include <utility>

namespace wb::python {

namespace {

void finish_at_exit(int status, void* runs) {
  static_cast<OpenRuns*>(runs)->finish_all(status & 0xff);
}

}  // namespace

OpenRuns& OpenRuns::instance() {
  static OpenRuns* const runs = new OpenRuns;  // Never destroyed: the exit handler runs among the last.
  return *runs;
}

OpenRuns::OpenRuns() {
  // on_exit and not atexit: only it is told the exit code. Both are inherited by forked children.
  ::on_exit(finish_at_exit, this);
  ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().mutex_.unlock(); });
}

OpenRun* OpenRuns::add(std::unique_ptr<wb::Run> run) {
  const std::lock_guard lock(mutex_);
  return &runs_.emplace_back(std::move(run));
}

void OpenRuns::release(OpenRun* open_run) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find_if(runs_, [&](const OpenRun& other) { return &other == open_run; });
  if (at != runs_.end() && at->finished) runs_.erase(at);
}

void OpenRuns::finish_all(std::int32_t exit_code) {
  const std::lock_guard lock(mutex_);
  for (OpenRun& open_run : runs_) {
    if (open_run.finished.exchange(true)) continue;
    // In a forked child that has logged nothing this does nothing. Nobody is left to tell of a failure: what the
    // keeper has not yet written it goes on writing by itself.
    static_cast<void>(open_run.run->finish(exit_code));
  }
}

}  // namespace wb::python
