// One orphaned ring after the other, by the same drain as a living one.
#include "writer/keeper/rescue.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <optional>

#include "writer/drain.h"
#include "writer/keeper/death_watch.h"
#include "writer/keeper/pack.h"
#include "writer/keeper/trainer_process.h"
#include "writer/ring_lock.h"

namespace wb {
namespace {

constexpr std::time_t kUnlockedSecondsMax = 10;

bool is_ring_name(const std::string& name) {
  const std::string prefix = kRingNamePrefix + std::to_string(::geteuid()) + "-";
  constexpr std::size_t kHexDigits = 32;
  return name.starts_with(prefix) && name.ends_with(kRingNameSuffix) &&
         name.size() == prefix.size() + kHexDigits + sizeof kRingNameSuffix - 1 &&
         name.find_first_not_of("0123456789abcdef", prefix.size()) == prefix.size() + kHexDigits;
}

bool is_own_private_file(const struct stat& facts) {
  return S_ISREG(facts.st_mode) && facts.st_uid == ::geteuid() && (facts.st_mode & 07777) == 0600;
}

/// Paths of files that may be rings, without opening one.
std::vector<std::string> find_rings(const std::string& ring_directory, int own_fd) {
  struct stat own {};
  if (own_fd >= 0 && ::fstat(own_fd, &own) != 0) return {};
  struct CloseDir {
    void operator()(DIR* stream) const noexcept { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, CloseDir> stream(::opendir(ring_directory.c_str()));
  std::vector<std::string> paths;
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string path = ring_directory + "/" + entry->d_name;
    struct stat facts {};
    if (!is_ring_name(entry->d_name) || ::lstat(path.c_str(), &facts) != 0 || !is_own_private_file(facts)) continue;
    if (own_fd >= 0 && facts.st_dev == own.st_dev && facts.st_ino == own.st_ino) continue;
    paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  if (paths.size() > kRescueMax) paths.resize(kRescueMax);
  return paths;
}

/// Drains an orphan whose lock we hold, and seals its journal.
Status complete_journal(RingView& ring, const std::string& path, std::uint64_t& record_count) {
  auto drain = Drain::open(ring);
  if (!drain.ok()) return drain.status();
  drain.value()->begin_end(describe_death(ring.identity()));
  const Status status = drain.value()->round();
  record_count = ring.keeper().written_sequence.load(std::memory_order_relaxed);
  if (!status.ok()) return status;
  ::unlink(path.c_str());
  ring.report(KeeperState::kDone, Code::kOk, "");
  Status sealed;
  for (const std::uint32_t number : drain.value()->take_completed()) {
    Status packed = pack_tail({ring.directory(), ring.stem(), ring.journal()}, number);
    if (sealed.ok()) sealed = std::move(packed);
  }
  return sealed;
}

/// True of a ring that was never finished: it has no byte yet, or not the magic, which comes last.
bool is_unfinished(int fd, const struct stat& facts) {
  std::array<char, sizeof kRingMagic> magic{};
  if (facts.st_size == 0) return true;
  return ::pread(fd, magic.data(), magic.size(), 0) == static_cast<ssize_t>(magic.size()) &&
         std::all_of(magic.begin(), magic.end(), [](char byte) { return byte == 0; });
}

/// A maker locks its file before it gives it bytes; an empty file may be one that it has opened this very moment.
bool may_be_locked_soon(const struct stat& facts) {
  return facts.st_size == 0 && std::time(nullptr) - facts.st_mtim.tv_sec <= kUnlockedSecondsMax;
}

/// Nothing if the ring is in use, or was never finished and is removed.
std::optional<Rescued> rescue(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0 || !is_own_private_file(facts)) return std::nullopt;
  if (!lock_ring(file.get(), kKeeperLockByte)) return std::nullopt;
#ifndef WB_MUTANT_RESCUE_FREES_LIVE_RING
  if (is_ring_locked(file.get(), kTrainerLockByte)) return std::nullopt;
#endif
  if (is_unfinished(file.get(), facts)) {
    if (!may_be_locked_soon(facts)) ::unlink(path.c_str());  // Nothing was logged into it.
    return std::nullopt;
  }
  Rescued rescued{.ring = path, .directory = {}, .record_count = 0, .status = {}};
  auto ring = RingView::open(file.get());
  if (!ring.ok()) {
    rescued.status = ring.status();
    return rescued;
  }
  const RingIdentity& trainer = ring.value()->identity();
#ifndef WB_MUTANT_RESCUE_FREES_LIVE_RING
  if (is_running(trainer.trainer_pid, trainer.trainer_start_ticks)) return std::nullopt;
#endif
  // Another rescuer may have completed it between our look into the directory and our lock.
  if (ring_path(file.get(), *ring.value()).empty()) return std::nullopt;
  rescued.directory = ring.value()->directory();
  rescued.status = complete_journal(*ring.value(), path, rescued.record_count);
  return rescued;
}

}  // namespace

std::vector<Rescued> rescue_rings(const std::string& ring_directory, int own_fd) {
  std::vector<Rescued> all;
  for (const std::string& path : find_rings(ring_directory, own_fd)) {
    if (auto rescued = rescue(path)) all.push_back(*std::move(rescued));
  }
  return all;
}

}  // namespace wb
