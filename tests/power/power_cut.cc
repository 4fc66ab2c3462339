// A flush makes all writes before it permanent; of the others each sector may have arrived or not.
#include "tests/power/power_cut.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace wb::test {
namespace {

constexpr std::size_t kPageBytes = 4096;

/// 0 to `limit` - 1.
std::uint32_t below(std::mt19937& random, std::uint32_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

bool any(std::mt19937& random, unsigned percent) {
  return below(random, 100) < percent;
}

void apply_some_sectors(std::byte* disk, const DiskEvent& event, std::mt19937& random, unsigned percent) {
  for (std::size_t at = 0; at < event.data.size(); at += kSectorBytes) {
    const std::size_t bytes = std::min(kSectorBytes, event.data.size() - at);
    if (any(random, percent)) std::memcpy(disk + event.offset + at, event.data.data() + at, bytes);
  }
}

void apply_unflushed(std::byte* disk, std::span<const DiskEvent> writes, const PowerCut& cut) {
  std::mt19937 random(cut.seed);
  const unsigned percent = 5 + below(random, 91);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const DiskEvent& event = writes[i];
    const auto all = [&] { std::memcpy(disk + event.offset, event.data.data(), event.data.size()); };
    switch (cut.loss) {
      case Loss::kNone:
        all();
        break;
      case Loss::kAll:
        break;
      case Loss::kTornLast:
        i + 1 < writes.size() ? all() : apply_some_sectors(disk, event, random, percent);
        break;
      case Loss::kOldest:
        if (i > 0) all();
        break;
      case Loss::kSome:
        if (any(random, percent)) all();
        break;
      case Loss::kSomeTorn:
        apply_some_sectors(disk, event, random, any(random, 50) ? percent : 100);
        break;
    }
  }
}

}  // namespace

std::string describe(const PowerCut& cut) {
  static constexpr const char* kNames[] = {"none", "all", "torn last", "oldest", "some", "some torn"};
  return "cut after " + std::to_string(cut.event_count) +
         " events, lost of the unflushed writes: " + kNames[static_cast<int>(cut.loss)] + ", seed " +
         std::to_string(cut.seed);
}

std::vector<PowerCut> choose_cuts(std::size_t event_count, std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<PowerCut> cuts;
  for (std::size_t i = 0; i < count; ++i) {
    // Evenly over the time, so that few cuts see all of it and many see every moment.
    const std::size_t at = i * (event_count + 1) / count;
    cuts.push_back({at, static_cast<Loss>(below(random, kLossCount)), static_cast<std::uint32_t>(random())});
  }
  return cuts;
}

Playback::Playback(const DiskRecording& recording, const std::string& directory)
    : recording_(recording), flushed_(recording.start.size()), path_(directory + "/state") {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::size_t bytes = flushed_.size();
  void* const memory = fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(bytes)) != 0
                           ? MAP_FAILED
                           : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot make " + path_);
  state_ = static_cast<std::byte*>(memory);
  recording.start.copy_to(flushed_.data());
  // Not by copy_to(): it would read, and so allocate, every page of the file.
  for (std::size_t at = 0; at < bytes; at += kPageBytes) {
    const std::byte* const page = flushed_.data() + at;
    if (std::any_of(page, page + kPageBytes, [](std::byte b) { return b != std::byte{0}; })) {
      std::memcpy(state_ + at, page, kPageBytes);
    }
  }
}

Playback::~Playback() {
  ::munmap(state_, flushed_.size());
  ::close(fd_);
}

/// Undoes the last cut and what was written to the mounted file system. Pages that are a hole were never written.
void Playback::rewind() {
  for (off_t from = ::lseek(fd_, 0, SEEK_DATA); from >= 0; from = ::lseek(fd_, from, SEEK_DATA)) {
    const off_t to = ::lseek(fd_, from, SEEK_HOLE);
    for (; from < to; from += kPageBytes) {
      if (std::memcmp(state_ + from, flushed_.data() + from, kPageBytes) == 0) continue;
      std::memcpy(state_ + from, flushed_.data() + from, kPageBytes);
    }
  }
}

Acknowledged Playback::play(const PowerCut& cut) {
  const std::span<const DiskEvent> events(recording_.events);
  std::size_t flushed_count = flushed_count_;
  for (std::size_t i = flushed_count_; i < cut.event_count; ++i) {
    if (events[i].is_flush()) flushed_count = i + 1;
  }
  rewind();
  for (; flushed_count_ < flushed_count; ++flushed_count_) {
    const DiskEvent& event = events[flushed_count_];
    for (std::byte* const to : {flushed_.data(), state_}) {
      if (!event.is_flush()) std::memcpy(to + event.offset, event.data.data(), event.data.size());
    }
  }
  apply_unflushed(state_, events.subspan(flushed_count, cut.event_count - flushed_count), cut);
  // The moment just before the next event: all that was acknowledged until then must have survived.
  return events[std::min(cut.event_count, events.size() - 1)].acknowledged;
}

}  // namespace wb::test
