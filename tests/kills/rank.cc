// The loop of a rank. Each row is begun, logged, and only then called accepted.
#include "tests/kills/rank.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "wb/run.h"

namespace wb::test {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kFullPaceRows = 40'000;  // Then a rank slows down: its journal has to be checked too.
constexpr std::size_t kTextBytes = 40'000;
constexpr std::size_t kPartBytes = 30'000;

std::atomic<std::int64_t> g_term_ns{0};  // A signal handler has no other way to tell.

void note_term(int) {
  g_term_ns.store(monotonic_now_ns());
}

void* map_shared(int fd) {
  const int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
  void* place = ::mmap(nullptr, sizeof(RankBoard), PROT_READ | PROT_WRITE, flags, fd, 0);
  if (place == MAP_FAILED) std::perror("mapping a board");
  return place == MAP_FAILED ? nullptr : place;
}

/// Logs row `index` and says what became of it.
void log_row(Run& run, RankBoard& board, RowMaker& maker, std::uint64_t index) {
  const std::span<const Metric> metrics = maker.row(index);
  board.begun_count.store(index + 1);
  if (run.log(metrics, {.step = static_cast<std::int64_t>(index), .commit = true})) {
    board.accepted_ns[index % kTimesKept].store(monotonic_now_ns());
    board.accepted[index / 64].fetch_or(std::uint64_t{1} << (index % 64));
  } else {
    board.refused_count.fetch_add(1);
  }
}

void flush(Run& run, RankBoard& board) {
  const std::uint64_t begun = board.begun_count.load();
  if (run.flush(milliseconds(100)).ok()) board.durable_count.store(begun);
}

void pause_after(Pace pace, std::uint64_t row_count) {
  if (pace == Pace::kFull && row_count < kFullPaceRows) return;
  if (pace == Pace::kBursts && row_count % 500 != 0 && row_count < kFullPaceRows) return;
  ::usleep(pace == Pace::kBursts ? 3'000 : 1'000);
}

int finish(Run& run, RankBoard& board, std::int32_t exit_code) {
  board.phase.store(RankPhase::kFinishing);
  const Status status = run.finish(exit_code);
  board.failure.store(static_cast<std::uint32_t>(status.code()));
  board.finished_ns.store(monotonic_now_ns());
  board.phase.store(RankPhase::kFinished);
  return exit_code;
}

/// Takes memory until somebody ends it.
[[noreturn]] void grow() {
  constexpr std::size_t kBytes = 1U << 20;
  while (true) {
    void* place = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place != MAP_FAILED) std::memset(place, 1, kBytes);
  }
}

void prepare(RankBoard& board, const RankPlan& plan) {
  if (!plan.cgroup.empty()) {
    const int file = ::open(plan.cgroup.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0 || ::write(file, "0", 1) != 1) std::perror(plan.cgroup.c_str());
    ::close(file);
  }
  for (const auto& [name, value] : plan.environment) ::setenv(name.c_str(), value.c_str(), 1);
  board.seed.store(plan.seed);
  board.first_row.store(plan.first_row);
  board.begun_count.store(plan.first_row);
  board.pid.store(::getpid());
  ::signal(SIGTERM, plan.finishes_on_term ? note_term : SIG_DFL);
}

}  // namespace

std::int64_t monotonic_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

std::uint64_t RankBoard::accepted_count() const {
  std::uint64_t count = 0;
  for (const auto& word : accepted) count += static_cast<std::uint64_t>(std::popcount(word.load()));
  return count;
}

void RankBoard::clear() {
  ::new (static_cast<void*>(this)) RankBoard{};
}

RankBoard* map_board() {
  return static_cast<RankBoard*>(map_shared(-1));
}

RankBoard* map_board(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(RankBoard)) != 0) {
    std::perror(path.c_str());
    return nullptr;
  }
  void* place = map_shared(fd);
  ::close(fd);
  return static_cast<RankBoard*>(place);
}

RowMaker::RowMaker(std::uint64_t seed) : seed_(seed) {
  text_.reserve(kTextBytes);
  while (text_.size() < kTextBytes) text_ += static_cast<char>(' ' + mixed(seed, text_.size()) % 95);
}

std::span<const Metric> RowMaker::row(std::uint64_t index) {
  const std::uint64_t random = mixed(seed_, index);
  const std::string_view text(text_);
  metrics_.clear();
  metrics_.push_back({"i", static_cast<std::int64_t>(index)});
  metrics_.push_back({"bits", Value::of(ValueType::kFloat64, random)});
  if (index % 5 == 0) {
    metrics_.push_back({"wide", Value::of(ValueType::kUint64, mixed(random, 1))});
    metrics_.push_back({"flag", (random & 1) != 0});
  }
  if (index % 16 == 3) metrics_.push_back({"text", text.substr(random % 1'000, random / 1'000 % 300)});
  if (index % 40 == 7) {
    new_name_ = "new/" + std::to_string(index / 40);
    metrics_.push_back({new_name_, static_cast<double>(index) / 3});
  }
  if (index % 3'000 == 1'499) {
    metrics_.push_back({"part/a", text.substr(0, kPartBytes)});
    metrics_.push_back({"part/b", text.substr(random % 1'000, kPartBytes)});
    metrics_.push_back({"part/c", text.substr(random % 900, kPartBytes)});
  }
  return metrics_;
}

int run_rank(RankBoard& board, const RankPlan& plan) {
  prepare(board, plan);
  Options options;
  options.directory = plan.directory;
  options.id = plan.run_id;
  options.keeper_path = plan.keeper;
  options.ring_bytes = plan.ring_bytes;
  auto opened = Run::open(options);
  if (!opened.ok()) {
    std::fprintf(stderr, "rank: %s\n", opened.status().message().c_str());
    board.failure.store(static_cast<std::uint32_t>(opened.status().code()));
    board.phase.store(RankPhase::kFailed);
    return 1;
  }
  Run& run = *opened.value();
  std::strncpy(board.directory.data(), run.directory().c_str(), board.directory.size() - 1);
  std::strncpy(board.stem.data(), run.journal().c_str(), board.stem.size() - 1);
  board.phase.store(RankPhase::kLogging);
  RowMaker maker(plan.seed);
  for (std::uint64_t row = plan.first_row;; ++row) {
    if (const std::int64_t term_ns = g_term_ns.load(); term_ns != 0) {
      board.term_ns.store(term_ns);
      return finish(run, board, 128 + SIGTERM);
    }
    const RankCommand command = board.command.load();
    if (command == RankCommand::kFinish) return finish(run, board, 0);
    if (command == RankCommand::kGrow) grow();
    if (command == RankCommand::kFlush || (plan.flush_every != 0 && row % plan.flush_every == plan.flush_every - 1)) {
      flush(run, board);
      RankCommand done = RankCommand::kFlush;  // Unless there is another by now.
      board.command.compare_exchange_strong(done, RankCommand::kLog);
    }
    if (row < plan.end_row) {
      log_row(run, board, maker, row);
      pause_after(plan.pace, row - plan.first_row + 1);
    } else {
      ::usleep(1'000);
      --row;
    }
  }
}

}  // namespace wb::test
