// unshare, a private tree, tmpfs.
#include "tests/support/sandbox.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace wb::test {
namespace {

void require(bool done, const std::string& what) {
  if (done) return;
  throw std::runtime_error(what + ": " + std::strerror(errno) +
                           "; these tests need root, /dev/fuse and loop devices: run them on a machine or in a "
                           "container that has them (docker run --privileged)");
}

}  // namespace

void enter_sandbox() {
  static bool is_inside = false;
  if (is_inside) return;
  require(::unshare(CLONE_NEWNS) == 0, "a mount namespace");
  require(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "making the mounts private");
  require(::mount("wbtest", "/dev/shm", "tmpfs", 0, "mode=1777") == 0, "a tmpfs on /dev/shm");
  is_inside = true;
}

std::string sandbox_directory(const std::string& name) {
  std::string path = "/dev/shm/" + name + "-XXXXXX";
  require(::mkdtemp(path.data()) != nullptr, path);
  return path;
}

std::string sandbox_mount_point(const std::string& name) {
  std::string path = sandbox_directory(name);
  require(::mount("wbtest", path.c_str(), "tmpfs", MS_RDONLY, "") == 0, "a read-only tmpfs on " + path);
  return path;
}

}  // namespace wb::test
