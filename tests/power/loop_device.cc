// LOOP_CONFIGURE, mkfs, mount.
#include "tests/power/loop_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace wb::test {
namespace {

constexpr int kAttemptsMax = 100;  // Others take loop devices too.
constexpr unsigned long kShutDown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutLogFlush = 2;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

LoopDevice::LoopDevice(const std::string& file) {
  const Descriptor control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.is_open()) fail("/dev/loop-control (the power cut tests need root and loop devices)");
  const Descriptor backing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!backing.is_open()) fail(file);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) fail("a free loop device");
    path_ = "/dev/loop" + std::to_string(number);
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd_.is_open()) fail(path_);
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(backing.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(fd_.get(), LOOP_CONFIGURE, &config) == 0) return;
    if (errno != EBUSY) fail(path_);
  }
  fail("a free loop device");
}

void LoopDevice::forget_cache() const {
  if (::ioctl(fd_.get(), BLKFLSBUF, 0) != 0) fail(path_);
}

void make_file_system(const std::string& device, const std::string& kind, const std::string& options) {
  // The three variables are how the tests of XFS itself get one below 300 MiB: a small log wraps and is quick to
  // replay.
  const std::string command = "PATH=$PATH:/usr/sbin:/sbin TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs." + kind +
                              (kind == "xfs" ? " -q -f -K " : " -q -F ") + options + " " + device;
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error(command + " failed (Debian packages e2fsprogs, xfsprogs)");
  }
}

MountedDisk::MountedDisk(const std::string& device, const std::string& kind, std::string path,
                         const std::string& options)
    : path_(std::move(path)) {
  if (::mount(device.c_str(), path_.c_str(), kind.c_str(), MS_NOATIME, options.c_str()) != 0) {
    fail("mounting " + device + " as " + kind);
  }
}

MountedDisk::~MountedDisk() {
  if (!path_.empty()) ::umount2(path_.c_str(), MNT_DETACH);
}

void MountedDisk::unmount() {
  if (!try_unmount()) fail("unmounting " + path_);
}

bool MountedDisk::try_unmount() {
  if (::umount2(path_.c_str(), 0) != 0) return false;
  path_.clear();
  return true;
}

void MountedDisk::shut_down() const {
  const Descriptor root(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t how = kWithoutLogFlush;
  if (!root.is_open() || ::ioctl(root.get(), kShutDown, &how) != 0) fail("shutting down " + path_);
}

}  // namespace wb::test
