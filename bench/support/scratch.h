// A directory for the files of one benchmark, gone with its scope.
#pragma once

#include <cstdint>
#include <string>

namespace wb::bench {

class ScratchDirectory {
 public:
  /// Makes a new directory below `parent`. Ends the program with code 1 if that is not possible.
  explicit ScratchDirectory(const std::string& parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Where scratch directories go unless --directory says otherwise: TMPDIR or /tmp.
std::string default_scratch_parent();

/// Bytes of all files below `path`.
std::uint64_t bytes_below(const std::string& path);

/// The wbkeep that was built with this program: ../bin/wbkeep beside it.
std::string built_keeper_path();

}  // namespace wb::bench
