// What /proc says about a process: whether a pid is still the one that is meant, and how it ended.
#pragma once

#include <cstdint>
#include <optional>

namespace wb {

struct ProcessFacts {
  char state = '?';                ///< 'Z' or 'X': it has ended and waits to be collected.
  std::uint64_t start_ticks = 0;   ///< Field 22 of /proc/PID/stat.
  std::optional<int> wait_status;  ///< Field 52, once it has ended: as from waitpid().
};

/// Nothing if there is no such process, or /proc cannot be read.
std::optional<ProcessFacts> read_process(std::int32_t pid);

/// Whether the process has the file mapped; nothing if /proc does not tell.
std::optional<bool> has_mapped(std::int32_t pid, int file);

/// True while the process `pid` that started at `start_ticks` runs.
bool is_running(std::int32_t pid, std::uint64_t start_ticks);

}  // namespace wb
