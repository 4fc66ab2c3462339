// mkfs and mount, as a person would call them.
#include "tests/freeze/loop_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/sandbox.h"

namespace wb::test {

void run_program(const std::vector<std::string>& words) {
  const int said = ::memfd_create("said", MFD_CLOEXEC);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(said, 1);
    ::dup2(said, 2);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::array<char, 1024> text{};
  const ssize_t got = ::pread(said, text.data(), text.size() - 1, 0);
  ::close(said);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  throw std::runtime_error(words[0] + " failed (is its Debian package there? See tools/setup): " +
                           std::string(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
}

LoopDisk::LoopDisk(const std::string& type, std::size_t mebibytes, const std::vector<std::string>& make_options,
                   const std::string& mount_options)
    : directory_(sandbox_directory("disk")), path_(directory_ + "/fs") {
  const std::string image = directory_ + "/image";
  std::ofstream(image).close();
  std::filesystem::resize_file(image, mebibytes << 20);
  std::filesystem::create_directory(path_);
  std::vector<std::string> make = {"mkfs." + type, "-q"};
  make.insert(make.end(), make_options.begin(), make_options.end());
  make.push_back(image);
  run_program(make);
  run_program({"mount", "-t", type, "-o", mount_options, image, path_});
}

LoopDisk::~LoopDisk() {
  ::umount2(path_.c_str(), MNT_DETACH);
  std::error_code error;
  std::filesystem::remove_all(directory_, error);
}

}  // namespace wb::test
