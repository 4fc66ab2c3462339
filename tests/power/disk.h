// Disk: a block device in memory, as a file behind a loop device, that records each write and flush.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "tests/power/fuse_mount.h"
#include "tests/power/sparse_memory.h"
#include "tests/power/trainer_page.h"

namespace wb::test {

inline constexpr std::size_t kSectorBytes = 512;

/// A write, or a flush (no data).
struct DiskEvent {
  std::uint64_t offset = 0;
  std::vector<std::byte> data;
  Acknowledged acknowledged;  ///< What was, when the event came.
  bool is_flush() const { return data.empty(); }
};

/// What was recorded: the content before, and all that came.
struct DiskRecording {
  SparseMemory start;
  std::vector<DiskEvent> events;
};

/// The file `path()` is the disk. The file system's thread serves it; the other calls are the test's.
class Disk {
 public:
  Disk(const std::string& mount_path, std::size_t bytes);

  std::string path() const { return mount_.path() + "/disk"; }

  /// From now on each write and flush is recorded; `acknowledged` is asked before it takes effect.
  void start_recording(std::function<Acknowledged()> acknowledged);
  DiskRecording stop_recording();

 private:
  static const fuse_operations& operations();
  static Disk& of_context();
  int read(char* to, std::size_t count, std::uint64_t offset);
  int write(std::span<const std::byte> data, std::uint64_t offset);
  int flush();

  std::mutex mutex_;
  SparseMemory content_;
  SparseMemory start_;
  std::function<Acknowledged()> acknowledged_;  // Empty: not recording.
  std::vector<DiskEvent> events_;
  FuseMount mount_;  // Last: it serves what is above.
};

}  // namespace wb::test
