// fork and exec; the keeper, whose parent goes at once, becomes our child because we are its subreaper.
#include "tests/power/training.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "schema/descriptor.h"
#include "tests/support/keeper_process.h"
#include "tests/support/sandbox.h"

namespace wb::test {
namespace {

/// The keeper with its tail size: the trainer's launcher gives it no arguments.
std::string make_keeper_script(const std::string& directory, std::size_t tail_bytes) {
  const std::string path = directory + "/keeper";
  std::ofstream(path) << "#!/bin/sh\nexec " WB_BINARY_DIR "/bin/wbkeep --tail-bytes " << tail_bytes << "\n";
  ::chmod(path.c_str(), 0700);
  return path;
}

template <typename T>
T* map_file(const std::string& path, int protection, bool make) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), 0600));
  if (!file.is_open() || (make && ::ftruncate(file.get(), sizeof(T)) != 0)) throw std::runtime_error(path);
  void* const memory = ::mmap(nullptr, sizeof(T), protection, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mapping " + path);
  return static_cast<T*>(memory);
}

/// The wait status of a child; nothing if it still runs.
bool has_ended(pid_t pid, int& status) {
  return ::waitpid(pid, &status, WNOHANG) == pid;
}

void kill_and_collect(pid_t& pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  pid = -1;
}

}  // namespace

Training::Training(const TrainingOptions& options) : scratch_(sandbox_directory("training")) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  page_ = map_file<TrainerPage>(scratch_ + "/page", PROT_READ | PROT_WRITE, true);
  const std::string keeper = make_keeper_script(scratch_, options.tail_bytes);
  std::vector<std::string> program = {
      WB_BINARY_DIR "/bin/wb_power_trainer", options.directory,           scratch_ + "/page", keeper,
      std::to_string(options.seed),          std::to_string(options.rows)};
  std::vector<char*> arguments;
  for (std::string& argument : program) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  trainer_ = ::fork();
  if (trainer_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setenv("WB_SYNC_SECONDS", options.sync_seconds.c_str(), 1);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  const bool is_open = eventually([&] { return page_->is_open.load() != 0 || has_ended(trainer_, status); });
  if (!is_open || page_->is_open.load() == 0) throw std::runtime_error("the training program did not open its run");
  map_ring();
  if (!eventually([&] { return ring_->keeper.state.load() == KeeperState::kReady; })) {
    throw std::runtime_error("the keeper is not ready");
  }
  keeper_ = ring_->keeper.keeper_pid.load();
}

Training::~Training() {
  kill();
  if (ring_ != nullptr) ::munmap(const_cast<RingHeader*>(ring_), sizeof(RingHeader));
  ::munmap(page_, sizeof(TrainerPage));
  std::error_code error;
  if (!ring_path_.empty()) std::filesystem::remove(ring_path_, error);
  std::filesystem::remove_all(scratch_, error);
}

void Training::map_ring() {
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    if (entry.path().extension() != kRingNameSuffix) continue;
    const auto* const header = map_file<RingHeader>(entry.path(), PROT_READ, false);
    if (header->identity.trainer_pid == trainer_) {
      ring_ = header;
      ring_path_ = entry.path();
      return;
    }
    ::munmap(const_cast<RingHeader*>(header), sizeof(RingHeader));
  }
  throw std::runtime_error("the trainer's ring is not in /dev/shm");
}

Acknowledged Training::acknowledged() const {
  // What implies the other comes first: a flush() that is ok implies that its records were called durable.
  Acknowledged seen;
  seen.finish = page_->is_finished.load() != 0;
  seen.rows = page_->flushed_rows.load();
  seen.sequence = ring_->keeper.durable_sequence.load();
  return seen;
}

void Training::kill() {
  if (trainer_ > 0) ::kill(trainer_, SIGSTOP);  // Or it would start another keeper.
  kill_and_collect(keeper_);
  kill_and_collect(trainer_);
}

void Training::rescue() const {
  KeeperProcess rescuer({WB_BINARY_DIR "/bin/wbkeep", "--rescue", "/dev/shm"}, -1);
  const ProcessEnd end = rescuer.wait();
  if (end.exit_code != 0) throw std::runtime_error("wbkeep --rescue failed: " + end.errors);
}

void Training::wait_for_end() {
  int status = 0;
  if (!eventually([&] { return has_ended(trainer_, status); }, 60)) throw std::runtime_error("the trainer hangs");
  trainer_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error("the training program ended with wait status " + std::to_string(status));
  }
  if (!eventually([&] { return has_ended(keeper_, status); }, 60)) throw std::runtime_error("the keeper hangs");
  keeper_ = -1;
}

}  // namespace wb::test
