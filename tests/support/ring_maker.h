// RingMaker: a ring as a training process makes it, filled by hand, for tests of the keeper.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schema/frame.h"
#include "schema/ring_layout.h"
#include "schema/uuid.h"
#include "wb/value.h"

namespace wb::test {

/// A ring file in its own folder under /dev/shm (so that no other test's keeper rescues it), mapped and filled. The
/// folder goes with the object. One thread.
class RingMaker {
 public:
  /// A journal "testrun.r0.a0.<8 hex>" in `directory`; this process is the trainer until set_trainer().
  /// With `folder` the ring's file lies there instead, and the folder stays.
  explicit RingMaker(const std::string& directory, std::size_t data_bytes = kRingBytesMin,
                     const std::string& folder = "");
  ~RingMaker();
  RingMaker(const RingMaker&) = delete;
  RingMaker& operator=(const RingMaker&) = delete;

  int fd() const { return fd_; }
  RingHeader& header() { return *header_; }
  const Uuid& journal() const { return journal_; }
  const std::string& path() const { return path_; }
  const std::string& folder() const { return folder_; }
  std::string stem() const { return header_->stem; }
  bool exists() const;

  void set_trainer(std::int32_t pid);
  /// Takes the trainer's lock (byte 0) for this process.
  void lock_as_trainer();

  /// Publishes the run record and the key of publish_row().
  void publish_start();
  /// Publishes a record. False: no room (nothing was published).
  bool publish(Kind kind, std::span<const std::byte> payload, std::uint8_t flags = 0);
  /// A row of one metric: key 0 = `step`, at step `step`.
  bool publish_row(std::int64_t step);
  bool publish_run();
  bool publish_key(std::uint32_t index, std::string_view name);
  bool publish_finish(std::int32_t exit_code);
  /// Counts a dropped row, as the producer does.
  void drop(std::int64_t step);
  void request_sync();
  /// Flips all bits of `count` bytes at this offset of the stream.
  void overwrite(std::uint64_t offset, std::size_t count);
  std::uint64_t sequence() const { return sequence_; }

 private:
  std::string folder_;
  bool owns_folder_ = false;
  std::string path_;
  int fd_ = -1;
  RingHeader* header_ = nullptr;
  std::byte* data_ = nullptr;
  Uuid journal_;
  std::uint64_t sequence_ = 0;
};

}  // namespace wb::test
