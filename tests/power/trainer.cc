// A training program: logs rows at an uneven pace, flushes now and then, finishes; tells what was acknowledged.
// wb_power_trainer DIRECTORY PAGE_FILE KEEPER SEED ROWS
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/power/rows.h"
#include "tests/power/trainer_page.h"
#include "wb/run.h"

namespace wb::test {
namespace {

TrainerPage* open_page(const char* path) {
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  void* const memory = ::mmap(nullptr, sizeof(TrainerPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<TrainerPage*>(memory);
}

int train(Run& run, TrainerPage& page, std::uint64_t seed, std::uint64_t row_count) {
  std::mt19937_64 random(seed);
  for (std::uint64_t n = 0; n < row_count && page.must_finish.load() == 0; ++n) {
    const TestRow row(seed, n);
    while (!run.log(row.metrics())) ::usleep(1000);  // The ring is full: what is dropped is named in the journal.
    page.accepted_rows.store(n + 1);
    if (random() % 8 == 0) ::usleep(static_cast<useconds_t>(random() % 4000));
    if (random() % 32 != 0) continue;
    if (run.flush(std::chrono::seconds(30)).ok()) page.flushed_rows.store(n + 1);
  }
  if (Status status = run.finish(0); !status.ok()) {
    std::fprintf(stderr, "finish: %s\n", status.message().c_str());
    return 1;
  }
  page.is_finished.store(1);
  return 0;
}

int main(char** arguments) {
  TrainerPage* const page = open_page(arguments[2]);
  if (page == nullptr) return 2;
  Options options;
  options.directory = arguments[1];
  options.id = "run";
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = arguments[3];
  auto run = Run::open(options);
  if (!run.ok()) {
    std::fprintf(stderr, "open: %s\n", run.status().message().c_str());
    return 2;
  }
  page->is_open.store(1);
  while (page->may_log.load() == 0) ::usleep(200);
  return train(*run.value(), *page, std::strtoull(arguments[4], nullptr, 10), std::strtoull(arguments[5], nullptr, 10));
}

}  // namespace
}  // namespace wb::test

int main(int count, char** arguments) {
  return count == 6 ? wb::test::main(arguments) : 2;
}
