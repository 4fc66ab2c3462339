// PowerCut: what a disk holds after its power went, made from the writes and flushes that were recorded.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/power/disk.h"

namespace wb::test {

/// What happened to the writes that no flush had covered yet.
enum class Loss : std::uint8_t {
  kNone,      ///< All arrived: a prefix of the writes.
  kAll,       ///< None did: the state of the last flush.
  kTornLast,  ///< The last one arrived in part (any of its sectors), the others did.
  kOldest,    ///< The first one is lost, all later ones arrived.
  kSome,      ///< Any of them arrived.
  kSomeTorn,  ///< Any sectors of any of them arrived.
};
inline constexpr int kLossCount = 6;

/// The power goes when `event_count` events have come.
struct PowerCut {
  std::size_t event_count = 0;
  Loss loss = Loss::kNone;
  std::uint32_t seed = 0;
};
std::string describe(const PowerCut& cut);

/// `count` cuts all over the recording, in order of time: each kind of loss, random places and seeds from `seed`.
std::vector<PowerCut> choose_cuts(std::size_t event_count, std::size_t count, std::uint32_t seed);

/// A file with the disk's content after one cut or another, for a loop device.
class Playback {
 public:
  /// The file is made in `directory`, which must be on tmpfs. `recording` outlives this.
  Playback(const DiskRecording& recording, const std::string& directory);
  ~Playback();
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  const std::string& path() const { return path_; }
  /// Makes the file the disk after this cut. Cuts must come in order of time, and nothing may be mounted from the file.
  /// Gives what was acknowledged before the power went.
  Acknowledged play(const PowerCut& cut);

 private:
  void rewind();

  const DiskRecording& recording_;
  SparseMemory flushed_;           // What flushes have made permanent.
  std::size_t flushed_count_ = 0;  // Events in it.
  std::string path_;
  int fd_ = -1;
  std::byte* state_ = nullptr;  // The file.
};

}  // namespace wb::test
