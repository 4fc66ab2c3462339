// The progress line: rows and runs done, rows a second.
#include "sync/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace wb {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRedrawEvery{100};
constexpr std::size_t kBarColumns = 24;
constexpr std::size_t kColumnsDefault = 80;

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kColumnsDefault;
}

// 1234567 as "1,234,567".
std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

}  // namespace

std::string progress_text(std::uint64_t lines_done, std::uint64_t lines_total, std::uint64_t runs_done,
                          std::uint64_t runs_total, milliseconds elapsed, std::size_t columns) {
  const std::uint64_t total = std::max(lines_total, lines_done);  // A live run grows while it is read.
  const std::uint64_t filled = total == 0 ? 0 : lines_done * kBarColumns / total;
  std::string text = "[";
  for (std::uint64_t i = 0; i < kBarColumns; ++i) text += i < filled ? '#' : '.';
  text += "] " + with_commas(lines_done) + "/" + with_commas(total) + " rows  " + with_commas(runs_done) + "/" +
          with_commas(runs_total) + " runs";
  if (elapsed >= milliseconds(1'000)) {
    text += "  " + std::to_string(elapsed.count() / 1'000) + " s";
  }
  if (text.size() > columns) text.resize(columns);
  return text;
}

Progress::Progress(const EngineCounters& counters, std::uint64_t lines_total, std::uint64_t runs_total)
    : counters_(counters), lines_total_(lines_total), runs_total_(runs_total) {
  if (isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { draw_until_stopped(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
  thread_.join();
  std::fputs("\r\x1b[K", stderr);
}

void Progress::draw_until_stopped() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRedrawEvery, [this] { return stopped_; })) {
    const auto elapsed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    const std::string text = progress_text(counters_.lines_done.load(std::memory_order_relaxed), lines_total_,
                                           counters_.runs_done.load(std::memory_order_relaxed), runs_total_, elapsed,
                                           terminal_columns() - 1);
    std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
  }
}

}  // namespace wb
