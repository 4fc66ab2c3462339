// TailDirectory: the run's directory as the keeper sees it: made, listed, given new tails, synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/journal_name.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

/// Where a journal lies and what its files are called.
struct JournalPlace {
  std::string directory;  ///< Absolute.
  std::string stem;
  Uuid journal;
};

class TailDirectory {
 public:
  /// Makes the directory and its parents (0777 & ~umask) where they are missing, and opens it. The message names the
  /// path and what to do.
  static Result<TailDirectory> open(JournalPlace place);
  /// Makes and opens it again by its path, as after close().
  Status reopen();
  /// Nothing is open any more, so that a broken file system can be unmounted. Only reopen() may follow.
  void close() noexcept { fd_.reset(); }
  /// The same without making it. kNotFound: it is not there.
  static Result<TailDirectory> open_existing(JournalPlace place);

  const JournalPlace& place() const noexcept { return place_; }
  int fd() const noexcept { return fd_.get(); }
  std::string tail_name(std::uint32_t number) const { return journal_file(place_.stem, number, FileKind::kTail); }
  std::string path_of(const std::string& name) const { return place_.directory + "/" + name; }

  /// The files of this journal, by number.
  Result<std::vector<JournalFileName>> list() const;

  /// Creates tail `number` (O_EXCL) with its head. A failure leaves no file behind.
  Result<Descriptor> create_tail(std::uint32_t number) const;
  /// Makes the names of all files here durable, and the first time the directory's own and those made above it.
  Status sync();
  void remove_tail(std::uint32_t number) const noexcept;

  /// A failed write or sync of tail `number`, with the path and what to do.
  Status write_status(std::uint32_t number, const Status& failure) const;

  /// True for NFS, Lustre and their like: a sync costs a round trip, and others share the server.
  bool is_network() const noexcept;

 private:
  Status open_fd();

  JournalPlace place_;
  Descriptor fd_;
  std::vector<std::string> unsynced_above_;  // Directories that hold the name of this one, or of one made above it.
};

/// The status with a sentence on what the user can do. kNotFound becomes kIoError.
Status with_advice(Status status);

/// write() until all is written. The message does not name the file.
Status write_all(int fd, std::span<const std::byte> bytes);

}  // namespace wb
