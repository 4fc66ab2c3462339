// Ring files: allocated before they are mapped, because a hole on a full tmpfs is a SIGBUS in the training.
#include "writer/ring.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "schema/os_status.h"
#include "writer/clock.h"
#include "writer/prefault.h"
#include "writer/process_facts.h"
#include "writer/warning.h"

namespace wb {
namespace {

constexpr std::size_t kShareOfFreeMemory = 16;  // A ring takes at most 1/16 of what is free.
constexpr int kLowestDescriptor = 10;           // So that the keeper's copy can be descriptor 3.

/// Bytes free on `path` if that is a memory file system, else 0.
std::size_t free_memory_bytes(const std::string& path) noexcept {
  struct statfs info;
  if (statfs(path.c_str(), &info) != 0) return 0;
  if (info.f_type != TMPFS_MAGIC && info.f_type != RAMFS_MAGIC) return 0;
  return static_cast<std::size_t>(info.f_bavail) * static_cast<std::size_t>(info.f_bsize);
}

/// Moves a descriptor above the ones that programs and the keeper expect to have for themselves.
int move_up(int descriptor) noexcept {
  if (descriptor < 0 || descriptor >= kLowestDescriptor) return descriptor;
  const int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, kLowestDescriptor);
  const int error = errno;
  close(descriptor);  // Before the lock is taken: closing any copy later would drop it.
  errno = error;
  return higher;
}

bool allocate(int descriptor, std::size_t bytes) noexcept {
  int error = 0;
  do {
    error = posix_fallocate(descriptor, 0, static_cast<off_t>(bytes));
  } while (error == EINTR);
  errno = error;
  return error == 0;
}

struct flock lock_request(off_t byte) noexcept {
  struct flock request {};
  request.l_type = F_WRLCK;
  request.l_whence = SEEK_SET;
  request.l_start = byte;
  request.l_len = 1;
  return request;
}

/// The lock says that this process is alive. It comes before the bytes: a file that has bytes, no lock and no magic is
/// one whose maker was killed here, and a rescue removes it.
bool lock_and_allocate(int descriptor, std::size_t bytes) noexcept {
  struct flock lock = lock_request(0);
  return fcntl(descriptor, F_SETLK, &lock) == 0 && allocate(descriptor, bytes);
}

void copy_text(char* to, std::size_t room, const std::string& text) noexcept {
  std::memcpy(to, text.data(), std::min(text.size(), room - 1));
}

}  // namespace

Result<Ring> Ring::create(const RingRequest& request) {
  if (request.directory.size() >= sizeof(RingHeader::directory)) {
    return Status(Code::kInvalidArgument, "the run's directory is longer than 4,095 bytes: " + request.directory);
  }
  if (request.stem.size() >= sizeof(RingHeader::stem)) {
    return Status(Code::kInvalidArgument, "the journal's name is longer than 511 bytes: " + request.stem);
  }
  Ring ring;
  if (Status status = ring.create_file(request); !status.ok()) return status;
  struct stat facts;
  if (fstat(ring.descriptor_.get(), &facts) != 0) return os_status(errno, "looking at the ring");
  ring.device_ = facts.st_dev;
  ring.inode_ = facts.st_ino;
  if (Status status = ring.map(); !status.ok()) return status;
  ring.fill_identity(request);
  return ring;
}

Status Ring::create_file(const RingRequest& request) {
  const std::size_t wanted = std::bit_floor(std::clamp(request.data_bytes, kRingBytesMin, kRingBytesMax));
  const std::size_t free_bytes = free_memory_bytes(request.shared_memory);
  const std::size_t share = std::max(kRingBytesMin, std::bit_floor(free_bytes / kShareOfFreeMemory));
  data_bytes_ = std::min(wanted, share);
  const std::string name = kRingNamePrefix + std::to_string(getuid()) + "-" + request.journal.hex() + kRingNameSuffix;
  if (free_bytes > 0) {
    path_ = request.shared_memory + "/" + name;
    const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file >= 0) {
      descriptor_.reset(move_up(file));
      if (descriptor_.is_open() && lock_and_allocate(descriptor_.get(), kRingHeaderBytes + data_bytes_)) return {};
      descriptor_.reset();
      unlink();
    }
    path_.clear();
  }
  say("no room for a ring in " + request.shared_memory +
      "; using anonymous memory, which nobody can rescue if this process and its keeper are killed together");
  descriptor_.reset(move_up(memfd_create(name.c_str(), MFD_CLOEXEC)));
  if (!descriptor_.is_open()) return os_status(errno, "creating a ring in memory");
  if (!lock_and_allocate(descriptor_.get(), kRingHeaderBytes + data_bytes_)) {
    return os_status(errno, "allocating a ring in memory");
  }
  return {};
}

Status Ring::map() {
  const std::size_t first_bytes = kRingHeaderBytes + data_bytes_;
  void* const place = mmap(nullptr, first_bytes + data_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return os_status(errno, "mapping the ring");
  base_ = static_cast<std::byte*>(place);
  // log() meets no page fault later: whoever owns the ring brings log_memory() in, or mmap() does where that is not
  // possible beside running threads.
  const int flags = MAP_SHARED | MAP_FIXED | (Prefault::is_possible() ? 0 : MAP_POPULATE);
  if (mmap(base_, first_bytes, PROT_READ | PROT_WRITE, flags, descriptor_.get(), 0) == MAP_FAILED ||
      mmap(base_ + first_bytes, data_bytes_, PROT_READ | PROT_WRITE, flags, descriptor_.get(),
           static_cast<off_t>(kRingHeaderBytes)) == MAP_FAILED) {
    return os_status(errno, "mapping the ring");
  }
  // A forked child must not write into its parent's ring: it does not get the mapping at all.
  if (madvise(base_, first_bytes + data_bytes_, MADV_DONTFORK) != 0)
    return os_status(errno, "keeping the ring from forks");
  return {};
}

void Ring::fill_identity(const RingRequest& request) {
  RingHeader& to = header();  // Fresh zero bytes: every atomic starts as 0.
  RingIdentity& identity = to.identity;
  identity.version = kRingVersion;
  identity.header_bytes = kRingHeaderBytes;
  identity.data_bytes = data_bytes_;
  std::memcpy(identity.journal_uuid, request.journal.bytes.data(), sizeof identity.journal_uuid);
  copy_text(identity.boot_id, sizeof identity.boot_id, boot_id());
  identity.trainer_pid = getpid();
  identity.trainer_uid = getuid();
  identity.trainer_start_ticks = process_start_ticks();
  identity.sync_interval_ms = request.sync_interval_ms;
  copy_text(to.directory, sizeof to.directory, request.directory);
  copy_text(to.stem, sizeof to.stem, request.stem);
  // Until a keeper takes over: it counts as alive from now, and the clocks' distance is already known.
  const std::int64_t now_ns = monotonic_ns();
  to.keeper.heartbeat_ns.store(now_ns, std::memory_order_relaxed);
  to.keeper.last_advance_ns.store(now_ns, std::memory_order_relaxed);
  to.keeper.wall_offset_us.store(timestamp_now().wall_offset_us, std::memory_order_relaxed);
  // The magic comes last: who finds the file by name takes a half-written header for no ring.
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(identity.magic, kRingMagic, sizeof identity.magic);
}

Ring::Ring(Ring&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      data_bytes_(other.data_bytes_),
      descriptor_(std::move(other.descriptor_)),
      device_(other.device_),
      inode_(other.inode_),
      path_(std::exchange(other.path_, {})),
      is_kept_(other.is_kept_) {}

Ring::~Ring() {
  if (!is_kept_) unlink();
  release_descriptor();
  if (base_ != nullptr) munmap(base_, kRingHeaderBytes + 2 * data_bytes_);
}

bool Ring::is_our_descriptor() const noexcept {
  struct stat facts;
  return descriptor_.is_open() && fstat(descriptor_.get(), &facts) == 0 && facts.st_dev == device_ &&
         facts.st_ino == inode_;
}

Descriptor Ring::release_descriptor() noexcept {
  if (!is_our_descriptor()) descriptor_.forget();
  return std::move(descriptor_);
}

bool Ring::has_keeper() const noexcept {
  const int ring = descriptor();
  if (ring < 0) return true;  // Nobody can tell; the heartbeat does.
  struct flock lock = lock_request(1);
  return fcntl(ring, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void Ring::unlink() noexcept {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Ring::abandon() noexcept {
  base_ = nullptr;
  release_descriptor();
}

}  // namespace wb
