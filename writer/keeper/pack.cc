// The order matters: at every moment either the tail or a verified segment stands in the directory.
#include "writer/keeper/pack.h"

#include <fcntl.h>
#include <unistd.h>

#include "schema/journal/segment.h"
#include "schema/os_status.h"
#include "writer/tail_scan.h"

namespace wb {
namespace {

Result<SegmentInfo> write_segment(const TailDirectory& directory, std::uint32_t number, const std::string& path) {
  auto writer = SegmentWriter::create(path, directory.place().journal, number);
  if (!writer.ok()) return writer.status();
  Status status = scan_tail(directory.fd(), directory.tail_name(number), directory.place().journal,
                            [&](const Frame& frame) { return writer.value()->add(frame); });
  // An empty tail becomes an empty segment, so that no number is missing.
  if (!status.ok() && status.code() != Code::kTruncated) return status;
  return writer.value()->finish();
}

Status sync_file(const std::string& path, int flags) {
  const Descriptor file(::open(path.c_str(), flags | O_CLOEXEC));
  if (!file.is_open() || ::fsync(file.get()) != 0) return os_status(errno, "cannot sync " + path);
  return {};
}

Status check_segment(const std::string& path, const SegmentInfo& expected) {
  auto reader = SegmentReader::open(path);
  if (!reader.ok()) return reader.status();
  const SegmentInfo& info = reader.value()->info();
  if (info.record_count != expected.record_count || info.first_sequence != expected.first_sequence ||
      info.last_sequence != expected.last_sequence) {
    return {Code::kCorrupt, path + ": counts differ from what was packed"};
  }
  return reader.value()->verify();
}

Status replace_tail(const TailDirectory& directory, std::uint32_t number, const std::string& segment) {
  const std::string temporary = segment + ".tmp";
  // What an earlier keeper left half-done is made anew; its tail is still there.
  ::unlink(temporary.c_str());
  const auto info = write_segment(directory, number, temporary);
  Status status = info.status();
#ifndef WB_MUTANT_SEAL_BEFORE_FSYNC
  if (status.ok()) status = sync_file(temporary, O_RDONLY);
#endif
  if (status.ok() && ::rename(temporary.c_str(), segment.c_str()) != 0) {
    status = os_status(errno, "cannot rename " + temporary);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
#ifdef WB_MUTANT_UNLINK_BEFORE_DIR_SYNC
  directory.remove_tail(number);
#endif
  status = sync_file(directory.place().directory, O_RDONLY | O_DIRECTORY);
  if (status.ok()) status = check_segment(segment, info.value());
  if (!status.ok()) {
    ::unlink(segment.c_str());
    return status;
  }
  directory.remove_tail(number);
  return {};
}

}  // namespace

Status pack_tail(const JournalPlace& place, std::uint32_t number) {
  auto directory = TailDirectory::open_existing(place);
  if (!directory.ok()) return directory.status().code() == Code::kNotFound ? Status() : directory.status();
  const std::string tail = directory.value().tail_name(number);
  if (::faccessat(directory.value().fd(), tail.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) return {};
  return replace_tail(directory.value(), number,
                      place.directory + "/" + journal_file(place.stem, number, FileKind::kSegment));
}

}  // namespace wb
