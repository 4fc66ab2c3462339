// wbkeep: the keeper program. Started by the training process with the ring as descriptor 3, or by hand to rescue.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "writer/json_text.h"
#include "writer/keeper/daemon.h"
#include "writer/keeper/keeper.h"
#include "writer/keeper/rescue.h"

namespace wb {
namespace {

constexpr char kHelp[] =
    "wbkeep [--foreground] [--tail-bytes N]   keep the ring that is open as descriptor 3\n"
    "wbkeep --rescue [DIR]                    complete the journals of orphaned rings in DIR (/dev/shm);\n"
    "                                         one JSON line each: ring, directory, records, status, message\n"
    "wbkeep --version\n"
    "The training process starts wbkeep by itself. --foreground: no fork, messages on stderr.\n"
    "Exit code: 0 done, 1 a journal could not be completed or sealed (a message or the JSON line says why), 2 bad "
    "usage.\n";

std::string json_field(std::string_view name, std::string_view text) {
  std::string json;
  append_json_string(json, name);
  json += ':';
  append_json_string(json, text);
  return json;
}

int rescue_all(const std::string& ring_directory) {
  int exit_code = 0;
  for (const Rescued& rescued : rescue_rings(ring_directory, -1)) {
    const std::string line = "{" + json_field("ring", rescued.ring) + "," + json_field("directory", rescued.directory) +
                             ",\"records\":" + std::to_string(rescued.record_count) + "," +
                             json_field("status", code_name(rescued.status.code())) + "," +
                             json_field("message", rescued.status.message()) + "}\n";
    std::fputs(line.c_str(), stdout);
    if (!rescued.status.ok()) exit_code = 1;
  }
  return exit_code;
}

int keep_ring(bool foreground, const KeeperOptions& options) {
  if (!foreground && !become_daemon().ok()) foreground = true;
  lower_priority();
  const Status status = keep(kRingDescriptor, options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "wbkeep: %s\n", status.message().c_str());
  return 1;
}

int bad_usage() {
  std::fputs(kHelp, stderr);
  return 2;
}

int run(int count, char** arguments) {
  bool foreground = false;
  KeeperOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const bool is_last = i + 1 == count;
    if (argument == "--version" && is_last) return std::puts("wbkeep " WB_VERSION) < 0;
    if (argument == "--help" && is_last) return std::fputs(kHelp, stdout) < 0;
    if (argument == "--rescue" && i == 1 && count <= 3) return rescue_all(is_last ? kRingDirectory : arguments[2]);
    if (argument == "--foreground") {
      foreground = true;
    } else if (argument == "--tail-bytes" && !is_last) {
      options.tail_bytes_max = std::strtoull(arguments[++i], nullptr, 10);
      if (options.tail_bytes_max == 0) return bad_usage();
    } else {
      return bad_usage();
    }
  }
  return keep_ring(foreground, options);
}

}  // namespace
}  // namespace wb

int main(int count, char** arguments) {
  try {
    return wb::run(count, arguments);
  } catch (const std::exception& error) {
    // Most likely out of memory. What is not written lies in the ring, for the next keeper.
    std::fprintf(stderr, "wbkeep: %s\n", error.what());
    return 1;
  }
}
