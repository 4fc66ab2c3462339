// StrictDisk: a file system in memory that keeps over a power cut what POSIX promises, and nothing more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/power/fuse_mount.h"
#include "tests/power/trainer_page.h"

namespace wb::test {

/// A change of a file or directory, or a sync of it.
struct StrictEvent {
  enum class Kind : std::uint8_t {
    kWrite,       ///< `data` at `offset` of file `inode`.
    kTruncate,    ///< File `inode` to `offset` bytes.
    kLink,        ///< Directory `inode` gets `name` for `target`.
    kUnlink,      ///< Directory `inode` loses `name`.
    kRename,      ///< In directory `inode`, `name` becomes `new_name`.
    kSync,        ///< All before of `inode` is durable.
    kFailedSync,  ///< A sync that failed: what it should have written is called clean and never gets to the disk.
  };
  Kind kind = Kind::kWrite;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::vector<char> data;
  std::string name;
  std::string new_name;
  std::uint64_t target = 0;
  bool is_directory = false;  ///< Of kLink: what `target` is.
  Acknowledged acknowledged;  ///< What was, when the event came.
};

/// What files and directories hold at one moment.
class StrictTree {
 public:
  struct Node {
    bool is_directory = false;
    std::vector<char> data;
    std::map<std::string, std::uint64_t> entries;
  };
  static constexpr std::uint64_t kRoot = 1;

  StrictTree() { nodes_[kRoot].is_directory = true; }
  void apply(const StrictEvent& event);
  /// Null: there is no such path.
  Node* find(const std::string& path);
  std::uint64_t inode(const std::string& path);
  /// Makes real files of it below `directory`, which exists and is empty.
  void write_to(const std::string& directory) const;

 private:
  void write_node(std::uint64_t inode, const std::string& path) const;
  std::map<std::uint64_t, Node> nodes_;
};

/// What is left when the power goes after `event_count` events: of what no sync has covered, each change arrived with a
/// probability of its own, or a write in part.
StrictTree cut_power(const std::vector<StrictEvent>& events, std::size_t event_count, std::mt19937& random);

/// Mounted from construction to destruction; everything is recorded.
class StrictDisk {
 public:
  explicit StrictDisk(const std::string& mount_path);

  const std::string& path() const { return mount_.path(); }
  /// Asked for each event, before it takes effect.
  void set_acknowledged(std::function<Acknowledged()> acknowledged);
  /// These syncs of files (counted from 1) fail with EIO.
  void fail_syncs(std::set<int> numbers);
  std::vector<StrictEvent> events();

 private:
  using Kind = StrictEvent::Kind;
  static const fuse_operations& operations();
  static void add_file_operations(fuse_operations& operations);
  static void add_name_operations(fuse_operations& operations);
  static StrictDisk& of_context();
  int change(StrictEvent event);
  int make(const char* path, bool is_directory);
  int sync(const char* path, bool is_directory);
  int get_facts(const char* path, struct stat* facts);

  std::mutex mutex_;
  StrictTree tree_;
  std::vector<StrictEvent> events_;
  std::uint64_t last_inode_ = StrictTree::kRoot;
  std::function<Acknowledged()> acknowledged_;
  std::set<int> failing_syncs_;
  int sync_count_ = 0;
  FuseMount mount_;  // Last: it serves what is above.
};

}  // namespace wb::test
