// Memory group: a memory cgroup of one's own, of version 1 or 2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace wb::test {

/// Removed with its scope, once its processes are gone, for which it waits up to 10 s. Needs root.
class MemoryGroup {
 public:
  /// Null if this machine gives none; `why` then says so.
  static std::unique_ptr<MemoryGroup> make(const std::string& name, std::uint64_t limit_bytes, std::string& why);
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  /// A process that writes "0" into this file joins.
  std::string members_file() const { return path_ + "/cgroup.procs"; }
  /// How many processes the kernel has killed here for want of memory.
  std::uint64_t kill_count() const;

 private:
  MemoryGroup(std::string path, std::string events) : path_(std::move(path)), events_(std::move(events)) {}
  std::string path_;
  std::string events_;  // The file that counts.
};

}  // namespace wb::test
