// The FUSE side: each request becomes an event, applied and recorded.
#include "tests/power/strict_disk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace wb::test {
namespace {

std::string folder_of(const char* path) {
  return std::filesystem::path(path).parent_path();
}

std::string name_of(const char* path) {
  return std::filesystem::path(path).filename();
}

}  // namespace

StrictDisk::StrictDisk(const std::string& mount_path) : mount_(mount_path, operations(), this) {}

StrictDisk& StrictDisk::of_context() {
  return *static_cast<StrictDisk*>(fuse_get_context()->private_data);
}

void StrictDisk::set_acknowledged(std::function<Acknowledged()> acknowledged) {
  const std::lock_guard lock(mutex_);
  acknowledged_ = std::move(acknowledged);
}

void StrictDisk::fail_syncs(std::set<int> numbers) {
  const std::lock_guard lock(mutex_);
  failing_syncs_ = std::move(numbers);
}

std::vector<StrictEvent> StrictDisk::events() {
  const std::lock_guard lock(mutex_);
  return events_;
}

int StrictDisk::change(StrictEvent event) {
  if (event.inode == 0) return -ENOENT;
  if (acknowledged_) event.acknowledged = acknowledged_();
  tree_.apply(event);
  events_.push_back(std::move(event));
  return 0;
}

int StrictDisk::make(const char* path, bool is_directory) {
  const std::lock_guard lock(mutex_);
  if (tree_.find(path) != nullptr) return -EEXIST;
  return change({.kind = Kind::kLink,
                 .inode = tree_.inode(folder_of(path)),
                 .name = name_of(path),
                 .target = ++last_inode_,
                 .is_directory = is_directory});
}

int StrictDisk::sync(const char* path, bool is_directory) {
  const std::lock_guard lock(mutex_);
  const bool fails = !is_directory && failing_syncs_.contains(++sync_count_);
  const int result = change({.kind = fails ? Kind::kFailedSync : Kind::kSync, .inode = tree_.inode(path)});
  return fails ? -EIO : result;
}

int StrictDisk::get_facts(const char* path, struct stat* facts) {
  const std::lock_guard lock(mutex_);
  const StrictTree::Node* const node = tree_.find(path);
  if (node == nullptr) return -ENOENT;
  *facts = {};
  facts->st_mode = node->is_directory ? S_IFDIR | 0755 : S_IFREG | 0644;
  facts->st_nlink = 1;
  facts->st_size = static_cast<off_t>(node->data.size());
  return 0;
}

void StrictDisk::add_file_operations(fuse_operations& operations) {
  operations.getattr = [](const char* path, struct stat* facts, fuse_file_info*) {
    return of_context().get_facts(path, facts);
  };
  operations.create = [](const char* path, mode_t, fuse_file_info*) { return of_context().make(path, false); };
  operations.open = [](const char*, fuse_file_info*) { return 0; };
  operations.read = [](const char* path, char* to, std::size_t count, off_t offset, fuse_file_info*) {
    StrictDisk& disk = of_context();
    const std::lock_guard lock(disk.mutex_);
    const StrictTree::Node* const node = disk.tree_.find(path);
    if (node == nullptr) return -ENOENT;
    const std::size_t from = std::min<std::size_t>(static_cast<std::size_t>(offset), node->data.size());
    count = std::min(count, node->data.size() - from);
    std::memcpy(to, node->data.data() + from, count);
    return static_cast<int>(count);
  };
  operations.write = [](const char* path, const char* from, std::size_t count, off_t offset, fuse_file_info*) {
    StrictDisk& disk = of_context();
    const std::lock_guard lock(disk.mutex_);
    const int result = disk.change({.kind = Kind::kWrite,
                                    .inode = disk.tree_.inode(path),
                                    .offset = static_cast<std::uint64_t>(offset),
                                    .data = {from, from + count}});
    return result == 0 ? static_cast<int>(count) : result;
  };
  operations.truncate = [](const char* path, off_t bytes, fuse_file_info*) {
    StrictDisk& disk = of_context();
    const std::lock_guard lock(disk.mutex_);
    return disk.change(
        {.kind = Kind::kTruncate, .inode = disk.tree_.inode(path), .offset = static_cast<std::uint64_t>(bytes)});
  };
  operations.fsync = [](const char* path, int, fuse_file_info*) { return of_context().sync(path, false); };
}

void StrictDisk::add_name_operations(fuse_operations& operations) {
  operations.mkdir = [](const char* path, mode_t) { return of_context().make(path, true); };
  operations.fsyncdir = [](const char* path, int, fuse_file_info*) { return of_context().sync(path, true); };
  operations.unlink = [](const char* path) {
    StrictDisk& disk = of_context();
    const std::lock_guard lock(disk.mutex_);
    return disk.change({.kind = Kind::kUnlink, .inode = disk.tree_.inode(folder_of(path)), .name = name_of(path)});
  };
  operations.rename = [](const char* from, const char* to, unsigned) {
    StrictDisk& disk = of_context();
    const std::lock_guard lock(disk.mutex_);
    return disk.change({.kind = Kind::kRename,
                        .inode = disk.tree_.inode(folder_of(from)),
                        .name = name_of(from),
                        .new_name = name_of(to),
                        .target = disk.tree_.inode(from)});
  };
  operations.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                          fuse_readdir_flags) {
    StrictDisk& disk = of_context();
    const std::lock_guard lock(disk.mutex_);
    const StrictTree::Node* const node = disk.tree_.find(path);
    if (node == nullptr) return -ENOENT;
    for (const auto& [name, target] : node->entries) {
      fill(buffer, name.c_str(), nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
    }
    return 0;
  };
}

const fuse_operations& StrictDisk::operations() {
  static const fuse_operations kOperations = [] {
    fuse_operations operations{};
    operations.init = [](fuse_conn_info*, fuse_config* config) {
      config->hard_remove = 1;  // An unlinked file is gone, not renamed.
      return fuse_get_context()->private_data;
    };
    add_file_operations(operations);
    add_name_operations(operations);
    return operations;
  }();
  return kOperations;
}

}  // namespace wb::test
