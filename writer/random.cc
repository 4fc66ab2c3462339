// getrandom(2): no file is opened, and a forked child never repeats its parent's numbers.
#include "writer/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <span>

#include "schema/os_status.h"

namespace wb {
namespace {

Status fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno != EINTR) return os_status(errno, "reading random bytes");
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace

Result<Uuid> random_uuid() {
  Uuid uuid;
  if (Status status = fill(uuid.bytes); !status.ok()) return status;
  return uuid;
}

Result<std::string> random_run_id() {
  static constexpr char kCharacters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr unsigned kCount = sizeof kCharacters - 1;
  constexpr unsigned kFairBelow = 256 / kCount * kCount;  // Bytes above it would favour some characters.
  std::string id;
  while (id.size() < 8) {
    std::array<std::byte, 16> bytes;
    if (Status status = fill(bytes); !status.ok()) return status;
    for (const std::byte b : bytes) {
      const auto number = std::to_integer<unsigned>(b);
      if (number < kFairBelow && id.size() < 8) id += kCharacters[number % kCount];
    }
  }
  return id;
}

}  // namespace wb
