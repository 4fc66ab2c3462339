// The requests of one file.
#include "tests/power/disk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace wb::test {
Disk::Disk(const std::string& mount_path, std::size_t bytes)
    : content_(bytes), start_(bytes), mount_(mount_path, operations(), this) {}

Disk& Disk::of_context() {
  return *static_cast<Disk*>(fuse_get_context()->private_data);
}

const fuse_operations& Disk::operations() {
  static const fuse_operations kOperations = [] {
    fuse_operations operations{};
    operations.getattr = [](const char* path, struct stat* facts, fuse_file_info*) {
      *facts = {};
      const bool is_disk = std::strcmp(path, "/disk") == 0;
      if (!is_disk && std::strcmp(path, "/") != 0) return -ENOENT;
      facts->st_mode = is_disk ? S_IFREG | 0600 : S_IFDIR | 0700;
      facts->st_nlink = 1;
      facts->st_size = is_disk ? static_cast<off_t>(of_context().content_.size()) : 0;
      return 0;
    };
    operations.open = [](const char*, fuse_file_info* file) {
      file->direct_io = 1;  // No page cache between the loop device and us.
      return 0;
    };
    operations.read = [](const char*, char* to, std::size_t count, off_t offset, fuse_file_info*) {
      return of_context().read(to, count, static_cast<std::uint64_t>(offset));
    };
    operations.write = [](const char*, const char* from, std::size_t count, off_t offset, fuse_file_info*) {
      return of_context().write(std::as_bytes(std::span(from, count)), static_cast<std::uint64_t>(offset));
    };
    operations.fsync = [](const char*, int, fuse_file_info*) { return of_context().flush(); };
    operations.fallocate = [](const char*, int, off_t offset, off_t count, fuse_file_info*) {
      // The loop device asks for zeros, or gives up blocks: what it reads there must be zeros then.
      const std::vector<std::byte> zeros(static_cast<std::size_t>(count));
      return of_context().write(zeros, static_cast<std::uint64_t>(offset)) < 0 ? -EIO : 0;
    };
    return operations;
  }();
  return kOperations;
}

int Disk::read(char* to, std::size_t count, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  if (offset >= content_.size()) return 0;
  count = std::min<std::size_t>(count, content_.size() - offset);
  std::memcpy(to, content_.data() + offset, count);
  return static_cast<int>(count);
}

int Disk::write(std::span<const std::byte> data, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  if (offset > content_.size() || data.size() > content_.size() - offset) return -ENOSPC;
  if (acknowledged_ && !data.empty()) events_.push_back({offset, {data.begin(), data.end()}, acknowledged_()});
  std::memcpy(content_.data() + offset, data.data(), data.size());
  return static_cast<int>(data.size());
}

int Disk::flush() {
  const std::lock_guard lock(mutex_);
  if (acknowledged_) events_.push_back({0, {}, acknowledged_()});
  return 0;
}

void Disk::start_recording(std::function<Acknowledged()> acknowledged) {
  const std::lock_guard lock(mutex_);
  content_.copy_to(start_.data());
  acknowledged_ = std::move(acknowledged);
}

DiskRecording Disk::stop_recording() {
  const std::lock_guard lock(mutex_);
  acknowledged_ = nullptr;
  return {std::exchange(start_, SparseMemory(content_.size())), std::exchange(events_, {})};
}

}  // namespace wb::test
