// Scratch directories and paths of the build.
#include "bench/support/scratch.h"

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

namespace wb::bench {

namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory(const std::string& parent) : path_(parent + "/wb-bench-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) {
    std::perror(path_.c_str());
    std::exit(1);
  }
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;  // What cannot be removed stays in the temporary directory.
  fs::remove_all(path_, ignored);
}

std::string default_scratch_parent() {
  return fs::temp_directory_path().string();
}

std::uint64_t bytes_below(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

std::string built_keeper_path() {
  return (fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin" / "wbkeep").string();
}

}  // namespace wb::bench
