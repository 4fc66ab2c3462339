// Descriptors, session, fork, priority.
#include "writer/keeper/daemon.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <vector>

#include "schema/os_status.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace wb {
namespace {

constexpr int kDescriptorsMax = 65'536;  // Closed one by one where neither close_range nor /proc is there.

void close_descriptors_from(int first) {
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
  DIR* stream = ::opendir("/proc/self/fd");
  if (stream == nullptr) {
    for (int fd = first; fd < kDescriptorsMax; ++fd) ::close(fd);
    return;
  }
  std::vector<int> open;
  while (const dirent* entry = ::readdir(stream)) {
    int fd = -1;
    std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), fd);
    if (fd >= first) open.push_back(fd);
  }
  ::closedir(stream);
  for (const int fd : open) ::close(fd);  // The stream's own is among them; closing it twice is harmless here.
}

}  // namespace

Status become_daemon() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < kRingDescriptor && null >= 0; ++fd) {
    if (fd != null) ::dup2(null, fd);
  }
  close_descriptors_from(kRingDescriptor + 1);
  ::fcntl(kRingDescriptor, F_SETFD, FD_CLOEXEC);
  ::setsid();
  if (::chdir("/") != 0) return os_status(errno, "chdir /");
  const pid_t child = ::fork();
  if (child < 0) return os_status(errno, "fork");
  if (child > 0) ::_exit(0);
  return {};
}

void lower_priority() {
  ::setpriority(PRIO_PROCESS, 0, 10);
  std::array<unsigned long, 1024> all_cpus;  // 65,536 CPUs; the kernel takes the cpuset's part of it.
  all_cpus.fill(~0UL);
  ::syscall(SYS_sched_setaffinity, 0, sizeof all_cpus, all_cpus.data());
}

}  // namespace wb
