// Ring peek: plain reads of the header; a mapping would keep the file's pages alive.
#include "sync/ring_peek.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "schema/bytes.h"
#include "schema/ring_layout.h"

namespace wb {
namespace {

constexpr char kShmDirectory[] = "/dev/shm";

struct CloseDirectory {
  void operator()(DIR* handle) const noexcept { ::closedir(handle); }
};

/// The ring's name has its owner's user id, which need not be ours.
std::string find_ring(const Uuid& journal) {
  const std::string ending = "-" + journal.hex() + kRingNameSuffix;
  const std::unique_ptr<DIR, CloseDirectory> handle(::opendir(kShmDirectory));
  if (handle == nullptr) return {};
  while (const dirent* entry = ::readdir(handle.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with(kRingNamePrefix) && name.ends_with(ending)) return std::string(kShmDirectory) + "/" + name;
  }
  return {};
}

std::uint64_t word_at(const std::vector<std::byte>& header, std::size_t offset) {
  return load_le<std::uint64_t>(header.data() + offset);
}

}  // namespace

std::optional<RingCounts> peek_ring(const Uuid& journal) {
  const std::string path = find_ring(journal);
  if (path.empty()) return std::nullopt;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  std::vector<std::byte> header(sizeof(RingHeader));
  const ssize_t got = ::pread(descriptor, header.data(), header.size(), 0);
  ::close(descriptor);
  if (got != static_cast<ssize_t>(header.size())) return std::nullopt;
  if (std::memcmp(header.data(), kRingMagic, sizeof kRingMagic) != 0) return std::nullopt;
  if (load_le<std::uint32_t>(header.data() + offsetof(RingIdentity, version)) != kRingVersion) return std::nullopt;
  if (std::memcmp(header.data() + offsetof(RingIdentity, journal_uuid), journal.bytes.data(), 16) != 0)
    return std::nullopt;
  constexpr std::size_t kProducer = offsetof(RingHeader, producer);
  constexpr std::size_t kKeeper = offsetof(RingHeader, keeper);
  return RingCounts{.accepted_sequence = word_at(header, kProducer + offsetof(RingProducer, accepted_sequence)),
                    .written_sequence = word_at(header, kKeeper + offsetof(RingKeeper, written_sequence)),
                    .durable_sequence = word_at(header, kKeeper + offsetof(RingKeeper, durable_sequence)),
                    .dropped_count = word_at(header, kProducer + offsetof(RingProducer, dropped_count))};
}

}  // namespace wb
