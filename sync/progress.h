// Progress: one line on a terminal that is drawn again and again while the engine works.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "sync/engine.h"

namespace wb {

/// The bar's text, at most `columns` wide: pure, for the drawing thread and the tests.
std::string progress_text(std::uint64_t lines_done, std::uint64_t lines_total, std::uint64_t runs_done,
                          std::uint64_t runs_total, std::chrono::milliseconds elapsed, std::size_t columns);

/// Draws to stderr from a thread of its own until it is destroyed, and wipes the line then. Draws nothing if stderr
/// is no terminal. `counters` must outlive it.
class Progress {
 public:
  Progress(const EngineCounters& counters, std::uint64_t lines_total, std::uint64_t runs_total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void draw_until_stopped();

  const EngineCounters& counters_;
  const std::uint64_t lines_total_;
  const std::uint64_t runs_total_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;  // Under the mutex.
  std::thread thread_;
};

}  // namespace wb
