// LoopDevice and MountedDisk: a file as a block device, and a file system on it.
#pragma once

#include <string>

#include "schema/descriptor.h"

namespace wb::test {

/// Attached from construction to destruction, and no longer than this process lives.
class LoopDevice {
 public:
  /// Throws std::runtime_error where no loop device can be had.
  explicit LoopDevice(const std::string& file);
  const std::string& path() const { return path_; }
  /// Forgets what the kernel has cached of the device. Nothing may be mounted from it.
  void forget_cache() const;

 private:
  std::string path_;
  Descriptor fd_;
};

/// Makes an empty file system of this kind ("ext4", "xfs") with options of its own for mkfs.
void make_file_system(const std::string& device, const std::string& kind, const std::string& options);

/// Mounted from construction to destruction. Throws std::runtime_error if it cannot be mounted.
class MountedDisk {
 public:
  MountedDisk(const std::string& device, const std::string& kind, std::string path, const std::string& options);
  ~MountedDisk();
  MountedDisk(const MountedDisk&) = delete;
  MountedDisk& operator=(const MountedDisk&) = delete;

  const std::string& path() const { return path_; }
  /// Unmounts it now. Throws if something is still open.
  void unmount();
  /// The same; false if something is still open.
  bool try_unmount();
  /// Drops everything that is not on the disk yet (FS_IOC_SHUTDOWN); from now on every call fails with EIO.
  void shut_down() const;

 private:
  std::string path_;
};

}  // namespace wb::test
