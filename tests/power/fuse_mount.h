// FuseMount: a FUSE file system that this process serves from a thread of its own.
#pragma once

#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#include <string>
#include <thread>

namespace wb::test {

/// Mounted from construction to destruction. Requests come one after the other, on one thread.
class FuseMount {
 public:
  /// Throws std::runtime_error if it cannot be mounted. `data` is what fuse_get_context()->private_data gives.
  FuseMount(std::string path, const fuse_operations& operations, void* data);
  ~FuseMount();
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  fuse* fuse_ = nullptr;
  std::thread server_;
};

}  // namespace wb::test
