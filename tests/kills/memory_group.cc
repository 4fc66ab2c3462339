// mkdir, one write, one counter; the names differ between the versions.
#include "tests/kills/memory_group.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace wb::test {
namespace {

constexpr char kVersion1[] = "/sys/fs/cgroup/memory";
constexpr char kVersion2[] = "/sys/fs/cgroup";

bool write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

std::unique_ptr<MemoryGroup> MemoryGroup::make(const std::string& name, std::uint64_t limit_bytes, std::string& why) {
  const bool is_version1 = exists(std::string(kVersion1) + "/memory.limit_in_bytes");
  const std::string path = (is_version1 ? kVersion1 : kVersion2) + ("/" + name);
  if (!is_version1) write_text(std::string(kVersion2) + "/cgroup.subtree_control", "+memory");
  if (::mkdir(path.c_str(), 0755) != 0) {
    why = "no memory cgroup can be made here: " + path + ": " + std::strerror(errno);
    return nullptr;
  }
  std::unique_ptr<MemoryGroup> group(
      new MemoryGroup(path, path + (is_version1 ? "/memory.oom_control" : "/memory.events")));
  if (write_text(path + (is_version1 ? "/memory.limit_in_bytes" : "/memory.max"), std::to_string(limit_bytes))) {
    return group;
  }
  why = "no memory cgroup can be limited here: " + path;
  return nullptr;
}

MemoryGroup::~MemoryGroup() {
  constexpr int kTries = 10'000;  // 10 s: a keeper may still be sealing.
  for (int i = 0; i < kTries && ::rmdir(path_.c_str()) != 0 && errno == EBUSY; ++i) ::usleep(1'000);
}

std::uint64_t MemoryGroup::kill_count() const {
  std::ifstream file(events_);
  std::string name;
  for (std::uint64_t number = 0; file >> name >> number;) {
    if (name == "oom_kill") return number;
  }
  return 0;
}

}  // namespace wb::test
