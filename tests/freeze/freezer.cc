// The guard waits on a pipe that nobody writes to: its end, or the time, thaws.
#include "tests/freeze/freezer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace wb::test {
namespace {

[[noreturn]] void guard(const char* mount_path, int most_seconds, int control, int report) {
  ::setsid();  // No signal for the test's process group ends it.
  const int directory = ::open(mount_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = directory < 0 || ::ioctl(directory, FIFREEZE, 0) != 0 ? errno : 0;
  [[maybe_unused]] const ssize_t told = ::write(report, &error, sizeof error);
  ::close(report);
  pollfd end{control, POLLIN, 0};
  if (error == 0) ::poll(&end, 1, most_seconds * 1000);
  if (error == 0) ::ioctl(directory, FITHAW, 0);
  ::_exit(0);
}

}  // namespace

Freezer::Freezer(const std::string& mount_path, int most_seconds) {
  int control[2];
  int report[2];
  if (::pipe2(control, O_CLOEXEC) != 0 || ::pipe2(report, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  guard_ = ::fork();
  if (guard_ == 0) {
    ::close(control[1]);
    guard(mount_path.c_str(), most_seconds, control[0], report[1]);
  }
  ::close(control[0]);
  ::close(report[1]);
  control_ = control[1];
  int error = EIO;
  const bool is_told = ::read(report[0], &error, sizeof error) == sizeof error;
  ::close(report[0]);
  if (is_told && error == 0) return;
  thaw();
  throw std::runtime_error("cannot freeze " + mount_path + ": " + std::strerror(error));
}

void Freezer::thaw() {
  if (guard_ < 0) return;
  ::close(control_);
  ::waitpid(guard_, nullptr, 0);
  guard_ = -1;
}

}  // namespace wb::test
