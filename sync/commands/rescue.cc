// rescue: starts wbkeep and passes on what it says.
#include "sync/commands/rescue.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "sync/text.h"

extern char** environ;

namespace wb {
namespace {

bool is_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

std::string own_directory() {
  std::array<char, PATH_MAX> path{};
  const ssize_t bytes = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (bytes <= 0) return {};
  const std::string program(path.data(), static_cast<std::size_t>(bytes));
  return program.substr(0, program.rfind('/'));
}

std::string find_in_path(std::string_view name) {
  const char* variable = std::getenv("PATH");
  std::string_view left = variable == nullptr ? "" : variable;
  while (!left.empty()) {
    const std::size_t end = left.find(':');
    const std::string candidate = std::string(left.substr(0, end)) + "/" + std::string(name);
    if (candidate[0] == '/' && is_program(candidate)) return candidate;
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
  }
  return {};
}

std::string text_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  return printable(found->is_string() ? found->get<std::string>() : found->dump());
}

/// One line of wbkeep: every member as "name value", so that nothing it says is left out.
void show_line(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    std::puts(printable(line).c_str());
    return;
  }
  std::string text;
  for (const auto& [name, value] : object.items()) {
    if (!text.empty()) text += ", ";
    text += printable(name) + " " + text_of(object, name.c_str());
  }
  std::puts(text.c_str());
}

/// Passes lines on until wbkeep closes its end. Returns how many there were.
std::size_t show_output(int descriptor, bool json) {
  FILE* stream = ::fdopen(descriptor, "r");
  if (stream == nullptr) {
    ::close(descriptor);
    return 0;
  }
  std::size_t count = 0;
  char* text = nullptr;
  std::size_t room = 0;
  while (::getline(&text, &room, stream) > 0) {
    std::string line(text);
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (json) {
      std::puts(line.c_str());
    } else {
      show_line(line);
    }
    ++count;
  }
  std::free(text);
  std::fclose(stream);
  return count;
}

ExitCode wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return ExitCode::kInternal;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ExitCode::kOk;
  if (WIFEXITED(status)) {
    std::fprintf(stderr, "wbsync: wbkeep --rescue ended with %d; what it could not save is still in /dev/shm\n",
                 WEXITSTATUS(status));
  } else {
    std::fprintf(stderr, "wbsync: wbkeep --rescue was killed by signal %d; run wbsync rescue again\n",
                 WTERMSIG(status));
  }
  return ExitCode::kInternal;
}

}  // namespace

std::string find_keeper_program() {
  const char* given = std::getenv("WB_KEEPER_PATH");
  if (given != nullptr && given[0] != '\0') return given;
  const std::string beside = own_directory() + "/wbkeep";
  return is_program(beside) ? beside : find_in_path("wbkeep");
}

ExitCode run_rescue(const RescueOptions& options) {
  const std::string program = find_keeper_program();
  if (program.empty() || !is_program(program)) {
    std::fprintf(stderr,
                 "wbsync: cannot run wbkeep%s%s; it stands beside wbsync when installed, or set WB_KEEPER_PATH\n",
                 program.empty() ? "" : " at ", printable(program).c_str());
    return ExitCode::kUsage;
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ExitCode::kInternal;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string name = program, flag = "--rescue";
  std::array<char*, 3> arguments = {name.data(), flag.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    std::fprintf(stderr, "wbsync: cannot start %s: %s\n", printable(program).c_str(), std::strerror(error));
    return ExitCode::kInternal;
  }
  const std::size_t count = show_output(ends[0], options.json);
  const ExitCode code = wait_for(child);
  if (count == 0 && code == ExitCode::kOk && !options.json) std::puts("no ring without a keeper on this machine");
  return code;
}

}  // namespace wb
