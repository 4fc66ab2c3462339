// A window of 1 MiB slides over the file; a frame always fits into it.
#include "writer/tail_scan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "schema/descriptor.h"
#include "schema/limits.h"
#include "schema/os_status.h"

namespace wb {
namespace {

constexpr std::size_t kWindowBytes = 1U << 20;
static_assert(kWindowBytes > 2 * frame_bytes(kFramePayloadBytesMax));

/// The unread bytes of a file, at least a frame's worth of them while the file lasts.
class Window {
 public:
  explicit Window(int fd) : fd_(fd), buffer_(kWindowBytes) {}

  Status fill() {
    if (end_ - at_ >= frame_bytes(kFramePayloadBytesMax) || at_end_) return {};
    std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
    while (end_ < buffer_.size() && !at_end_) {
      const ssize_t got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_status(errno, "read");
      at_end_ = got == 0;
      end_ += static_cast<std::size_t>(got);
    }
    return {};
  }
  std::span<const std::byte> unread() const { return {buffer_.data() + at_, end_ - at_}; }
  void skip(std::size_t bytes) { at_ += std::min(bytes, end_ - at_); }

 private:
  int fd_;
  std::vector<std::byte> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

Status scan(Window& window, const Uuid& journal, const std::function<Status(const Frame&)>& visit) {
  if (Status status = window.fill(); !status.ok()) return status;
  const auto head = decode_tail_head(window.unread());
  if (!head.ok()) return head.status();
  if (head.value().journal != journal) return {Code::kCorrupt, "a tail of another journal"};
  window.skip(kTailHeadBytes);
  while (true) {
    if (Status status = window.fill(); !status.ok()) return status;
    if (window.unread().empty()) return {};
    const auto frame = read_frame(window.unread(), journal.salt());
    if (!frame.ok()) {
      window.skip(8);  // Frames lie at multiples of 8.
      continue;
    }
    if (Status status = visit(frame.value()); !status.ok()) return status;
    window.skip(frame_bytes(frame.value().payload.size()));
  }
}

}  // namespace

Status scan_tail(int directory_fd, const std::string& name, const Uuid& journal,
                 const std::function<Status(const Frame&)>& visit) {
  const Descriptor file(::openat(directory_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) return os_status(errno, "cannot open " + name);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return os_status(errno, "cannot read " + name);
  if (!S_ISREG(facts.st_mode)) return {Code::kCorrupt, name + " is not a regular file"};
  Window window(file.get());
  Status status = scan(window, journal, visit);
  return status.ok() ? status : Status(status.code(), name + ": " + status.message());
}

}  // namespace wb
