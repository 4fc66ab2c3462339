// Segments (.wbj): sealed, immutable SQLite files of checked zstd blocks. Written by a keeper, read by wbsync.
// The tables are in segment.sql, the bytes of a block in FORMAT.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "schema/frame.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

/// What a segment says about itself; sealed with it.
struct SegmentInfo {
  Uuid journal;
  std::uint32_t number = 0;          ///< The tail's file number.
  std::uint64_t first_sequence = 0;  ///< Of the trainer's records; 0 and 0: none.
  std::uint64_t last_sequence = 0;
  std::uint64_t first_keeper_sequence = 0;
  std::uint64_t last_keeper_sequence = 0;
  std::uint64_t record_count = 0;  ///< Frames of both sources.
  std::uint64_t block_count = 0;
};

/// Gets each record; false stops the reading (which then returns ok). The frame is borrowed for the call.
using RecordVisitor = std::function<bool(const Frame&)>;

/// Packs frames into a new segment. Belongs to one thread. Needs about 6 MiB beside what SQLite and zstd need.
class SegmentWriter {
 public:
  /// Creates `path` (O_EXCL) with the unix-none VFS, no journal, no locks. kExists, kNoSpace, kIoError, ...
  static Result<std::unique_ptr<SegmentWriter>> create(const std::string& path, const Uuid& journal,
                                                       std::uint32_t number);
  virtual ~SegmentWriter() = default;

  /// Adds a record. Trainer sequence numbers must rise; a number seen before is ignored (a rewritten frame).
  /// A number left out is allowed (damage in the tail): the segment then lists the gap.
  virtual Status add(const Frame& frame) = 0;

  /// Writes what is buffered, the counts and the hashes, and closes the file. Does not fsync: the caller does,
  /// on a descriptor of its own, before it renames the file.
  virtual Result<SegmentInfo> finish() = 0;
};

/// A segment opened for reading (mode=ro&immutable=1, trusted_schema off, schema compared to the letter).
class SegmentReader {
 public:
  /// kCorrupt, kUnsupported, kNotFound, kPermission, kIoError; the message names the file and the place.
  static Result<std::unique_ptr<SegmentReader>> open(const std::string& path);
  virtual ~SegmentReader() = default;

  virtual const SegmentInfo& info() const = 0;

  /// Calls `visit` for each record in the order of the tail it was packed from, trainer records with a sequence
  /// number of `after_sequence` or less left out (keeper records always come). Checks every row hash, zstd
  /// checksum, count and the contiguity of sequence numbers: kCorrupt names block and reason, after all records
  /// of the undamaged blocks have been given.
  virtual Status read(std::uint64_t after_sequence, const RecordVisitor& visit) = 0;

  /// Reads everything and checks everything.
  virtual Status verify() = 0;
};

}  // namespace wb
