// unshare, two forks, three mounts.
#include "tests/kills/arena.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace wb::test {
namespace {

constexpr int kNoArena = 255;

bool fails(const char* what) {
  std::fprintf(stderr, "arena: %s: %s\n", what, std::strerror(errno));
  return false;
}

bool write_text(const char* path, const std::string& text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) ::close(file);
  return written || fails(path);
}

bool leave_namespaces() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (user == 0) return ::unshare(CLONE_NEWNS | CLONE_NEWPID) == 0 || fails("unshare");
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0) return fails("unshare as an ordinary user");
  return write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", std::to_string(user) + " " + std::to_string(user) + " 1") &&
         write_text("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + " 1");
}

bool mount_own() {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fails("making mounts private");
  if (::mount("wbtest", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) return fails("/dev/shm");
  return ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 || fails("/proc");
}

int exit_code_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kNoArena;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kNoArena;
}

}  // namespace

int run_in_arena(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t outer = ::fork();
  if (outer == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!leave_namespaces()) ::_exit(kNoArena);
    const pid_t first = ::fork();  // Only a child is in the new pid namespace.
    if (first == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int code = mount_own() ? body() : kNoArena;
      std::fflush(nullptr);
      ::_exit(code);
    }
    ::_exit(exit_code_of(first));
  }
  const int code = exit_code_of(outer);
  return code == kNoArena ? -1 : code;
}

pid_t start_slot(const std::function<void()>& work) {
  const pid_t slot = ::fork();
  if (slot == 0) {
    work();
    std::fflush(nullptr);
    ::_exit(0);
  }
  return slot;
}

void await_slots(std::vector<pid_t> slots) {
  while (!slots.empty()) {
    const pid_t ended = ::waitpid(-1, nullptr, 0);
    std::erase(slots, ended);
  }
}

}  // namespace wb::test
