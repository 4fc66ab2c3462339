// Reads /proc; a file that is missing gives an empty fact, never an error.
#include "writer/process_facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <string_view>
#include <vector>

#include "writer/json_text.h"

namespace wb {
namespace {

constexpr std::size_t kFactBytesMax = 32 * 1024;  // A longer command line is cut.

std::string read_small_file(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return {};
  std::string text(kFactBytesMax, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = read(file, text.data() + have, text.size() - have);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  close(file);
  text.resize(have);
  return text;
}

std::vector<std::string> command_line() {
  std::vector<std::string> arguments;
  const std::string raw = read_small_file("/proc/self/cmdline");
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t end = std::min(raw.find('\0', at), raw.size());
    arguments.push_back(raw.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

}  // namespace

std::string boot_id() {
  std::string text = read_small_file("/proc/sys/kernel/random/boot_id");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string pid_namespace() {
  std::array<char, 64> link;
  const ssize_t bytes = readlink("/proc/self/ns/pid", link.data(), link.size());
  return bytes > 0 ? std::string(link.data(), static_cast<std::size_t>(bytes)) : std::string();
}

std::uint64_t process_start_ticks() {
  const std::string stat = read_small_file("/proc/self/stat");
  // The program's name is in parentheses and may hold anything; field 3 follows the last of them.
  std::size_t at = stat.rfind(')');
  for (int field = 2; at != std::string::npos && field < 22; ++field) at = stat.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  std::uint64_t ticks = 0;
  std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), ticks);
  return ticks;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : std::string();
}

std::string executable_path() {
  std::array<char, PATH_MAX> path{};
  const ssize_t bytes = readlink("/proc/self/exe", path.data(), path.size());
  return bytes > 0 ? std::string(path.data(), static_cast<std::size_t>(bytes)) : std::string();
}

std::string working_directory() {
  std::array<char, PATH_MAX> path{};
  return getcwd(path.data(), path.size()) != nullptr ? path.data() : std::string();
}

std::string command_line_json() {
  std::vector<std::string> arguments = command_line();
  if (!arguments.empty()) arguments.erase(arguments.begin());
  return json_array(arguments);
}

std::string program_name() {
  std::vector<std::string> arguments = command_line();
  return arguments.empty() ? std::string() : arguments.front();
}

}  // namespace wb
