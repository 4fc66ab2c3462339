// fork, descriptors, exec, wait.
#include "tests/support/keeper_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace wb::test {

KeeperProcess::KeeperProcess(const std::vector<std::string>& program, int ring_fd,
                             const std::function<void()>& in_child) {
  errors_fd_ = ::memfd_create("stderr", MFD_CLOEXEC);
  std::vector<char*> arguments;
  for (const std::string& argument : program) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ != 0) return;
  const int ring = ring_fd < 0 ? -1 : ::fcntl(ring_fd, F_DUPFD, 10);
  ::dup2(errors_fd_, 2);
  if (ring >= 0) {
    ::dup2(ring, 3);
    ::close(ring);
  }
  if (in_child) in_child();
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

KeeperProcess::~KeeperProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(errors_fd_);
}

void KeeperProcess::kill(int signal) const {
  ::kill(pid_, signal);
}

ProcessEnd KeeperProcess::wait() {
  ProcessEnd end;
  int status = 0;
  const bool has_ended = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, 60);
  if (!has_ended) {
    ADD_FAILURE() << "the process did not end";
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
  }
  pid_ = -1;
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  char buffer[4096];
  ::lseek(errors_fd_, 0, SEEK_SET);
  for (ssize_t got; (got = ::read(errors_fd_, buffer, sizeof buffer)) > 0;) {
    end.errors.append(buffer, static_cast<std::size_t>(got));
  }
  return end;
}

std::vector<std::string> foreground_keeper(const std::string& binary_directory, const std::vector<std::string>& more) {
  std::vector<std::string> program = {binary_directory + "/bin/wbkeep", "--foreground"};
  program.insert(program.end(), more.begin(), more.end());
  return program;
}

bool eventually(const std::function<bool()>& condition, int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace wb::test
