// Opening a ring: every field that decides about memory or paths is copied first and checked on the copy.
#include "writer/ring_view.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <climits>
#include <cstring>

#include "schema/journal_name.h"
#include "schema/os_status.h"

namespace wb {
namespace {

static_assert(std::atomic<std::uint32_t>::is_always_lock_free && sizeof(std::atomic<std::uint32_t>) == 4);

Status check_identity(const RingIdentity& identity, const struct stat& file) {
  if (std::memcmp(identity.magic, kRingMagic, sizeof kRingMagic) != 0) return {Code::kCorrupt, "not a ring"};
  if (identity.version != kRingVersion) {
    return {Code::kUnsupported, "ring version " + std::to_string(identity.version)};
  }
  if (identity.header_bytes != kRingHeaderBytes) return {Code::kCorrupt, "ring header size"};
  if (!std::has_single_bit(identity.data_bytes) || identity.data_bytes < kRingBytesMin ||
      identity.data_bytes > kRingBytesMax) {
    return {Code::kCorrupt, "ring data size"};
  }
  if (static_cast<std::uint64_t>(file.st_size) < kRingHeaderBytes + identity.data_bytes) {
    return {Code::kCorrupt, "ring file is too short"};
  }
  if (identity.trainer_pid <= 0) return {Code::kCorrupt, "ring trainer pid"};
  return {};
}

/// A zero-terminated text of a fixed field; empty if it is not terminated.
std::string field_text(const char* field, std::size_t field_bytes) {
  const std::string copy(field, field_bytes);
  const auto end = copy.find('\0');
  return end == std::string::npos ? std::string() : copy.substr(0, end);
}

bool is_clean_directory(std::string_view path) {
  return path.starts_with('/') && path.find("/../") == std::string_view::npos && !path.ends_with("/..");
}

bool is_stem_of(std::string_view stem, const Uuid& journal) {
  const auto name = parse_journal_file(journal_file(stem, 0, FileKind::kTail));
  return name && name->stem == stem && stem.find('/') == std::string_view::npos && !stem.starts_with('.') &&
         stem.ends_with("." + journal.hex().substr(0, 8));
}

void futex_wake(std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

Result<std::unique_ptr<RingView>> RingView::open(int fd) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return os_status(errno, "ring descriptor " + std::to_string(fd));
  if (!S_ISREG(file.st_mode) || static_cast<std::uint64_t>(file.st_size) < kRingHeaderBytes) {
    return Status(Code::kCorrupt, "not a ring");
  }
  if (file.st_uid != ::geteuid()) return Status(Code::kPermission, "the ring belongs to another user");
  std::unique_ptr<RingView> ring(new RingView);
  void* header = ::mmap(nullptr, kRingHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (header == MAP_FAILED) return os_status(errno, "cannot map the ring's header");
  ring->header_ = static_cast<RingHeader*>(header);
  std::memcpy(&ring->identity_, &ring->header_->identity, sizeof ring->identity_);
  if (Status status = check_identity(ring->identity_, file); !status.ok()) return status;
  std::memcpy(ring->journal_.bytes.data(), ring->identity_.journal_uuid, sizeof ring->identity_.journal_uuid);
  ring->directory_ = field_text(ring->header_->directory, sizeof ring->header_->directory);
  ring->stem_ = field_text(ring->header_->stem, sizeof ring->header_->stem);
  if (!is_clean_directory(ring->directory_)) return Status(Code::kCorrupt, "ring directory");
  if (!is_stem_of(ring->stem_, ring->journal_)) return Status(Code::kCorrupt, "ring stem");
  if (Status status = ring->map(fd); !status.ok()) return status;
  return ring;
}

Status RingView::map(int fd) {
  const std::size_t bytes = identity_.data_bytes;
  void* place = ::mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return os_status(errno, "cannot reserve room for the ring");
  data_ = static_cast<std::byte*>(place);
  for (std::byte* half : {data_, data_ + bytes}) {
    if (::mmap(half, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, kRingHeaderBytes) == MAP_FAILED) {
      return os_status(errno, "cannot map the ring");
    }
  }
  ::madvise(header_, kRingHeaderBytes, MADV_DONTFORK);
  ::madvise(data_, 2 * bytes, MADV_DONTFORK);
  return {};
}

RingView::~RingView() {
  if (data_ != nullptr) ::munmap(data_, 2 * identity_.data_bytes);
  if (header_ != nullptr) ::munmap(header_, kRingHeaderBytes);
}

std::span<const std::byte> RingView::bytes(std::uint64_t offset, std::size_t count) const noexcept {
  assert(count <= identity_.data_bytes);
  return {data_ + (offset & (identity_.data_bytes - 1)), count};
}

void RingView::report(KeeperState state, Code code, std::string_view text) noexcept {
  RingKeeper& keeper = header_->keeper;
  const std::size_t bytes = std::min(text.size(), sizeof keeper.status_text - 1);
  // The last byte is never anything but zero, so that a reader of a half-written text stays inside the field.
  std::memcpy(keeper.status_text, text.data(), bytes);
  keeper.status_text[bytes] = '\0';
  keeper.status_code.store(static_cast<std::uint32_t>(code), std::memory_order_relaxed);
  keeper.state.store(state, std::memory_order_release);
  wake_trainer();
}

void RingView::wake_trainer() noexcept {
  header_->keeper.reply.fetch_add(1, std::memory_order_release);
  futex_wake(header_->keeper.reply);
}

void RingView::wait_for_doorbell(std::uint32_t seen, std::int64_t timeout_ns) noexcept {
  const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&header_->producer.doorbell), FUTEX_WAIT, seen, &timeout,
            nullptr, 0);
}

void RingView::ring_doorbell() noexcept {
  header_->producer.doorbell.fetch_add(1, std::memory_order_release);
  futex_wake(header_->producer.doorbell);
}

std::string ring_path(int fd, const RingView& ring) {
  char link[PATH_MAX];
  const ssize_t bytes = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), link, sizeof link);
  const std::string path = bytes > 0 ? std::string(link, static_cast<std::size_t>(bytes))
                                     : std::string("/dev/shm/") + kRingNamePrefix +
                                           std::to_string(ring.identity().trainer_uid) + "-" + ring.journal().hex() +
                                           kRingNameSuffix;
  struct stat by_name {};
  struct stat by_descriptor {};
  if (::lstat(path.c_str(), &by_name) != 0 || ::fstat(fd, &by_descriptor) != 0) return {};
  return by_name.st_dev == by_descriptor.st_dev && by_name.st_ino == by_descriptor.st_ino ? path : std::string();
}

}  // namespace wb
