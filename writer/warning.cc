// One write() per message, so that messages of several ranks do not mix within a line.
#include "writer/warning.h"

#include <unistd.h>

#include <array>
#include <cstring>
#include <new>

#include "writer/background.h"

namespace wb {

void say(std::string_view text) noexcept {
  std::array<char, 1024> line{'w', 'b', ':', ' '};
  const std::size_t bytes = std::min(text.size(), line.size() - 5);
  std::memcpy(line.data() + 4, text.data(), bytes);
  line[4 + bytes] = '\n';
  // There is nobody left to tell if stderr itself fails.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), 5 + bytes);
}

void WarningGate::say_aside(std::string text) noexcept {
  // Without a thread or memory the message is lost; what it is about is counted in the journal all the same.
  try {
    [[maybe_unused]] const Status status = run_aside([text = std::move(text)] { say(text); });
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace wb
