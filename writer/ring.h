// Makes a ring and owns the trainer's view of it: file, mappings, lock.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "schema/descriptor.h"
#include "schema/limits.h"
#include "schema/ring_layout.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

/// What a new ring says about itself.
struct RingRequest {
  Uuid journal;
  std::size_t data_bytes = kRingBytesDefault;  ///< Wanted; less if shared memory is short, at least 1 MiB.
  std::string directory;                       ///< The run's directory, absolute.
  std::string stem;
  std::uint32_t sync_interval_ms = 0;
  std::string shared_memory = "/dev/shm";  ///< Where ring files live.
};

/// A ring of this process. Movable; belongs to one owner, who keeps it until no thread uses its bytes. Its file goes
/// with it unless keep() was called.
class Ring {
 public:
  /// Creates, allocates, maps and locks a ring. kInvalidArgument: directory or stem too long. kNoSpace, kIoError,
  /// kPermission: no shared memory at all. Leaves nothing behind when it fails.
  static Result<Ring> create(const RingRequest& request);

  Ring(Ring&& other) noexcept;
  Ring& operator=(Ring&&) = delete;
  ~Ring();

  RingHeader& header() const noexcept { return *reinterpret_cast<RingHeader*>(base_); }
  std::byte* data() const noexcept { return base_ + kRingHeaderBytes; }  ///< Twice data_bytes(), the same bytes.
  std::size_t data_bytes() const noexcept { return data_bytes_; }
  /// The pages that rows are written to: all but what of the second copy only a longer record that wraps reaches.
  std::span<std::byte> log_memory() const noexcept {
    return {base_, kRingHeaderBytes + data_bytes_ + kScalarRecordBytesMax};
  }
  /// 10 or more; closing any copy of it drops the lock. -1 once the program has closed it, as some do with all that is
  /// open: the number may be another file's by now.
  int descriptor() const noexcept { return is_our_descriptor() ? descriptor_.get() : -1; }
  const std::string& path() const noexcept { return path_; }  ///< Empty: a memfd.

  /// True if a keeper of another process holds its lock on byte 1.
  bool has_keeper() const noexcept;

  /// From now on the file stays when this object goes: a keeper has it, or a rescue finds it.
  void keep() noexcept { is_kept_ = true; }
  /// Removes the ring's name: nobody will rescue it.
  void unlink() noexcept;

  /// Hands the descriptor, and with it the lock, to the caller.
  Descriptor release_descriptor() noexcept;

  /// In a forked child: closes the inherited descriptor and forgets the mapping, which the child does not have.
  void abandon() noexcept;

 private:
  Ring() = default;
  Status create_file(const RingRequest& request);
  Status map();
  bool is_our_descriptor() const noexcept;
  void fill_identity(const RingRequest& request);

  std::byte* base_ = nullptr;
  std::size_t data_bytes_ = 0;
  Descriptor descriptor_;
  dev_t device_ = 0;  // Of the file, with its inode: what descriptor_ must still refer to.
  ino_t inode_ = 0;
  std::string path_;
  bool is_kept_ = false;
};

}  // namespace wb
