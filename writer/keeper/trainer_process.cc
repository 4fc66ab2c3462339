// Parsing /proc/PID/stat: the name in parentheses may hold anything, so fields are counted from the last ')'.
#include "writer/keeper/trainer_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "schema/descriptor.h"

namespace wb {
namespace {

template <typename T>
T field_number(std::string_view text, int index) {
  std::size_t at = 0;
  for (; index > 0 && at != std::string_view::npos; --index) {
    at = text.find(' ', at);
    if (at != std::string_view::npos) ++at;
  }
  T number{};
  if (at < text.size()) std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

}  // namespace

std::optional<ProcessFacts> read_process(std::int32_t pid) {
  const Descriptor file(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[1024];
  const ssize_t bytes = file.is_open() ? ::read(file.get(), buffer, sizeof buffer) : -1;
  if (bytes <= 0) return std::nullopt;
  std::string_view text(buffer, static_cast<std::size_t>(bytes));
  const auto name_end = text.rfind(") ");
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
  text.remove_prefix(name_end + 2);  // Now field 3, the state, comes first.
  ProcessFacts facts;
  facts.state = text[0];
  facts.start_ticks = field_number<std::uint64_t>(text, 22 - 3);
  if (facts.state == 'Z' || facts.state == 'X') facts.wait_status = field_number<int>(text, 52 - 3);
  return facts;
}

std::optional<bool> has_mapped(std::int32_t pid, int file) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return std::nullopt;
  std::array<char, 64> id{};
  std::snprintf(id.data(), id.size(), " %02x:%02x %llu ", major(facts.st_dev), minor(facts.st_dev),
                static_cast<unsigned long long>(facts.st_ino));
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::string line;
  bool is_told = false;
  while (std::getline(maps, line)) {
    is_told = true;
    if (line.find(id.data()) != std::string::npos) return true;
  }
  return is_told ? std::optional(false) : std::nullopt;
}

bool is_running(std::int32_t pid, std::uint64_t start_ticks) {
  const auto facts = read_process(pid);
  return facts && facts->start_ticks == start_ticks && facts->state != 'Z' && facts->state != 'X';
}

}  // namespace wb
