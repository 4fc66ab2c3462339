// LoopDisk: a small ext4 or xfs in a file in memory, mounted with its scope.
#pragma once

#include <string>
#include <vector>

namespace wb::test {

/// Unmounted with its scope; the image goes too. What still has files open there keeps it until it closes them.
class LoopDisk {
 public:
  /// `type`: "ext4" or "xfs"; `make_options` go to its mkfs. Throws std::runtime_error if it cannot be made or mounted.
  LoopDisk(const std::string& type, std::size_t mebibytes, const std::vector<std::string>& make_options = {},
           const std::string& mount_options = "loop");
  ~LoopDisk();
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string directory_;
  std::string path_;
};

/// Runs a program; throws std::runtime_error with what it said if it fails.
void run_program(const std::vector<std::string>& words);

}  // namespace wb::test
