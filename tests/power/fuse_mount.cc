// libfuse's high-level interface, one thread.
#include "tests/power/fuse_mount.h"

#include <sys/mount.h>

#include <stdexcept>

namespace wb::test {

FuseMount::FuseMount(std::string path, const fuse_operations& operations, void* data) : path_(std::move(path)) {
  char name[] = "wbtest";
  char option[] = "-odefault_permissions";
  char* arguments[] = {name, option, nullptr};
  fuse_args args = FUSE_ARGS_INIT(2, arguments);
  fuse_ = fuse_new(&args, &operations, sizeof operations, data);
  fuse_opt_free_args(&args);
  if (fuse_ == nullptr || fuse_mount(fuse_, path_.c_str()) != 0) {
    throw std::runtime_error("cannot mount a FUSE file system on " + path_ +
                             "; the power cut tests need root and /dev/fuse");
  }
  server_ = std::thread([this] { fuse_loop(fuse_); });
}

FuseMount::~FuseMount() {
  ::umount2(path_.c_str(), MNT_DETACH);
  server_.join();       // The kernel ends the connection once nothing is open any more.
  fuse_unmount(fuse_);  // Frees the mount point's name.
  fuse_destroy(fuse_);
}

}  // namespace wb::test
