// WorkQueue: the keeper's second thread, for work that may take long.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace wb {

/// Does jobs one after the other, in order. One that runs out of memory is given up.
class WorkQueue {
 public:
  WorkQueue();
  /// Waits for all jobs.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void add(std::function<void()> job);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stop_ = false;
  std::thread thread_;  // Last: it starts when all else is there.
};

}  // namespace wb
