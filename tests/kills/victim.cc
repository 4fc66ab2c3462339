// fork, kill, wait, and plain reads of ring headers.
#include "tests/kills/victim.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "schema/descriptor.h"
#include "schema/ring_layout.h"

extern char** environ;

namespace wb::test {
namespace {

constexpr char kRingFolder[] = "/dev/shm";

struct CloseDirectory {
  void operator()(DIR* handle) const noexcept { ::closedir(handle); }
};

std::optional<RingSeen> read_ring(const std::string& path, const std::string& run_directory) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const auto header = std::make_unique<RingHeader>();
  if (!file.is_open() || ::pread(file.get(), header.get(), sizeof *header, 0) != sizeof *header) return std::nullopt;
  if (std::memcmp(header->identity.magic, kRingMagic, sizeof kRingMagic) != 0) return std::nullopt;
  if (run_directory != header->directory) return std::nullopt;
  return RingSeen{.path = path,
                  .keeper_pid = header->keeper.keeper_pid.load(),
                  .written_sequence = header->keeper.written_sequence.load()};
}

}  // namespace

std::optional<RingSeen> find_ring(const std::string& run_directory) {
  const std::unique_ptr<DIR, CloseDirectory> handle(::opendir(kRingFolder));
  while (const dirent* entry = handle ? ::readdir(handle.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (!name.starts_with(kRingNamePrefix) || !name.ends_with(kRingNameSuffix)) continue;
    if (auto seen = read_ring(std::string(kRingFolder) + "/" + name, run_directory)) return seen;
  }
  return std::nullopt;
}

int kill_holders(const std::string& path) {
  int count = 0;
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const int pid = std::atoi(process.path().filename().c_str());
    if (pid <= 0 || pid == ::getpid()) continue;
    for (const auto& file : std::filesystem::directory_iterator(process.path() / "fd", error)) {
      if (std::filesystem::read_symlink(file.path(), error).string().starts_with(path)) {
        count += ::kill(pid, SIGKILL) == 0 ? 1 : 0;
        break;
      }
    }
  }
  return count;
}

int run_program(const std::vector<std::string>& arguments, std::string* output) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::array<char, 4096> buffer{};
  for (ssize_t got; error == 0 && (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    if (output != nullptr) output->append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  if (error != 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool await(const std::function<bool()>& condition, std::int64_t timeout_ms) {
  const std::int64_t end_ns = monotonic_now_ns() + timeout_ms * 1'000'000;
  while (!condition()) {
    if (monotonic_now_ns() > end_ns) return false;
    ::usleep(200);
  }
  return true;
}

void Victim::start(pid_t group) {
  board_.clear();
  exit_code_ = -1;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setpgid(0, group);
    ::_exit(run_rank(board_, plan_));
  }
  ::setpgid(pid_, group);  // Both do it: whoever comes first.
}

int Victim::end() {
  if (pid_ <= 0) return exit_code_;
  if (!has_ended()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  return exit_code_;
}

bool Victim::has_ended() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return pid_ <= 0;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  pid_ = -1;
  return true;
}

void Victim::kill(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

pid_t Victim::keeper() const {
  const auto seen = ring();
  return seen ? seen->keeper_pid : 0;
}

}  // namespace wb::test
