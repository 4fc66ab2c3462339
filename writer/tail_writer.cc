// The invariant of this file: a frame is in `undurable_` or a sync of a file that holds it has returned ok.
#include "writer/tail_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>

#include "schema/bytes.h"
#include "schema/os_status.h"
#include "writer/clock.h"
#include "writer/tail_scan.h"

namespace wb {
namespace {

// Of the buffer, across syncs: that much memory stays touched. Room for more is there from the start, since moving
// megabytes to a larger place would keep the trainer waiting.
constexpr std::size_t kUndurableBytesKept = 1U << 20;
constexpr std::size_t kUndurableBytesReserved = kUndurableBytesMax + (1U << 20);
constexpr std::size_t kWritebackBytes = 1U << 20;  // The disk begins with so many before the sync asks for them.
constexpr std::size_t kCopyBytes = 8U << 20;       // Of an earlier tail that are copied between two syncs.

std::span<const std::byte> whole_frame(const Frame& frame) {
  return {frame.payload.data() - kFrameHeadBytes, frame_bytes(frame.payload.size())};
}

std::uint64_t map_count(std::span<const Metric> entries, std::string_view name) {
  const auto value = map_value(entries, name);
  return value ? value->bits() : 0;
}

}  // namespace

Result<std::unique_ptr<TailWriter>> TailWriter::open(const JournalPlace& place, std::size_t tail_bytes_max,
                                                     std::optional<std::uint64_t> durable_before_failure) {
  auto directory = TailDirectory::open(place);
  if (!directory.ok()) return directory.status();
  std::unique_ptr<TailWriter> writer(new TailWriter(std::move(directory).value(), tail_bytes_max));
  writer->undurable_.reserve(kUndurableBytesReserved);
  if (Status status = writer->read_earlier_tails(); !status.ok()) return status;
  const std::vector<std::uint32_t> unsynced =
      durable_before_failure ? writer->found_.tail_numbers : writer->sync_earlier_tails();
  writer->completed_ = writer->found_.tail_numbers;
  if (writer->found_.has_end && unsynced.empty()) {
    if (Status status = writer->directory_.sync(); !status.ok()) return status;
    return writer;
  }
#ifdef WB_MUTANT_APPEND_TO_OLD_TAIL
  if (!writer->completed_.empty()) {
    writer->number_ = writer->completed_.back();
    const std::string name = writer->directory_.tail_name(writer->number_);
    writer->file_.reset(::openat(writer->directory_.fd(), name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    writer->completed_.pop_back();
    return writer;
  }
#endif
  auto file = writer->directory_.create_tail(writer->number_);
  if (!file.ok()) return file.status();
  if (writer->number_ == 0) {
    writer->file_ = std::move(file).value();  // No snapshot and no sync: nothing stands in it yet, and init waits.
    return writer;
  }
  Status status = writer->start_tail(writer->number_, std::move(file).value(), {});
  for (const std::uint32_t number : unsynced) {
    if (status.ok()) status = writer->copy_earlier_tail(number, durable_before_failure.value_or(0));
  }
  if (status.ok()) return writer;
  writer->directory_.remove_tail(writer->number_);
  return status;
}

Status TailWriter::read_earlier_tails() {
  const auto files = directory_.list();
  if (!files.ok()) return files.status();
  for (const JournalFileName& file : files.value()) {
    number_ = file.number + 1;
    if (file.kind != FileKind::kTail) continue;
    Status status = scan_tail(directory_.fd(), directory_.tail_name(file.number), directory_.place().journal,
                              [this](const Frame& frame) {
                                note(frame);
                                return Status();
                              });
    // An empty tail, or a file that is none of ours, tells nothing and stays as it is.
    if (status.code() == Code::kCorrupt) continue;
    if (!status.ok() && status.code() != Code::kTruncated) return status;
    found_.tail_numbers.push_back(file.number);
  }
  if (number_ > kFileNumberMax) return {Code::kInternal, directory_.place().directory + ": too many tails"};
  last_sequence_ = durable_sequence_ = found_.last_sequence;
  keeper_sequence_ = found_.last_keeper_sequence;
  return {};
}

/// Takes note of a frame of an earlier tail.
void TailWriter::note(const Frame& frame) {
  snapshot_.observe(frame);
  auto& last = frame.source == Source::kTrainer ? found_.last_sequence : found_.last_keeper_sequence;
  last = std::max(last, frame.sequence);
  if (frame.kind == Kind::kFinish) found_.has_finish = true;
  if (frame.kind == Kind::kDeath) found_.has_death = true;
  if (frame.kind == Kind::kTailEnd && frame.payload.size() == 8 && load_le<std::uint32_t>(frame.payload.data()) == 1) {
    found_.has_end = true;
  }
  if (frame.kind == Kind::kHeartbeat) {
    // The tail before may be sealed already; then this is what tells how far it went.
    const auto heartbeat = decode_heartbeat(frame.payload);
    if (heartbeat.ok()) found_.last_sequence = std::max(found_.last_sequence, heartbeat.value().written_sequence);
  }
  if (frame.kind == Kind::kGap) {
    const auto entries = decode_map(frame.payload);
    if (entries.ok()) found_.gap_total = std::max(found_.gap_total, map_count(entries.value(), "total"));
  }
}

/// Syncs the earlier keeper's tails: it may have died between write and sync. Gives those where that failed.
std::vector<std::uint32_t> TailWriter::sync_earlier_tails() {
  std::vector<std::uint32_t> failed;
  for (const std::uint32_t number : found_.tail_numbers) {
    const std::string name = directory_.tail_name(number);
    const Descriptor file(::openat(directory_.fd(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.is_open() || ::fdatasync(file.get()) != 0) failed.push_back(number);
  }
  return failed;
}

/// Copies the frames of a tail whose sync failed into the present one, but for the trainer's up to `durable`: a second
/// sync of it would lie.
Status TailWriter::copy_earlier_tail(std::uint32_t number, std::uint64_t durable) {
  const auto copy = [this, durable](const Frame& frame) {
    if (frame.source == Source::kTrainer && frame.sequence <= durable) return Status();
    undurable_.insert(undurable_.end(), whole_frame(frame).begin(), whole_frame(frame).end());
    if (Status status = write_all(file_.get(), whole_frame(frame)); !status.ok()) return status;
    return undurable_.size() < kCopyBytes ? Status() : sync();
  };
  Status status = scan_tail(directory_.fd(), directory_.tail_name(number), directory_.place().journal, copy);
  return status.ok() || status.code() == Code::kTruncated ? sync() : status;
}

std::vector<std::byte> TailWriter::keeper_frame(Kind kind, std::span<const std::byte> payload) {
  std::vector<std::byte> frame(frame_bytes(payload.size()));
  std::copy(payload.begin(), payload.end(), frame.begin() + kFrameHeadBytes);
  seal_frame(frame.data(), payload.size(), kind, kFlagKeeper, ++keeper_sequence_, directory_.place().journal.salt());
  return frame;
}

/// The head of a later tail: the run's fields, the keys, and how far the trainer's records were durable before it.
std::vector<std::byte> TailWriter::snapshot_frames() {
  std::vector<std::byte> frames;
  const auto add = [&](Kind kind, std::span<const std::byte> payload) {
    const std::vector<std::byte> frame = keeper_frame(kind, payload);
    frames.insert(frames.end(), frame.begin(), frame.end());
  };
  snapshot_.emit(add);
  std::array<std::byte, kHeartbeatRecordBytes> heartbeat;
  encode_heartbeat(heartbeat.data(), {timestamp_now(), durable_sequence_});
  add(Kind::kHeartbeat, heartbeat);
  return frames;
}

/// Makes `file`, the empty tail `number`, the present one: snapshot, then `frames`, then a sync. On failure the file is
/// removed and nothing has changed.
Status TailWriter::start_tail(std::uint32_t number, Descriptor file, std::span<const std::byte> frames) {
  const std::uint64_t keeper_sequence = keeper_sequence_;
  Status status = write_all(file.get(), snapshot_frames());
  if (status.ok()) status = write_all(file.get(), frames);
  if (status.ok() && ::fdatasync(file.get()) != 0) status = os_status(errno, "fdatasync");
  if (status.ok()) status = directory_.sync();
  if (!status.ok()) {
    keeper_sequence_ = keeper_sequence;
    directory_.remove_tail(number);
    return directory_.write_status(number, status);
  }
  file_ = std::move(file);
  has_durable_name_ = true;
  number_ = number;
  written_bytes_ = frames.size();
  return {};
}

Status TailWriter::recover() {
  assert(!healthy());
  Status status = write_kept_frames();
  if (!status.ok()) {
    directory_.close();
    return status;
  }
  durable_sequence_ = last_sequence_;
  clear_undurable();
  completed_.insert(completed_.end(), abandoned_.begin(), abandoned_.end());
  abandoned_.clear();
  return {};
}

/// Into the next tail, which is the present one then.
Status TailWriter::write_kept_frames() {
  // The directory is opened anew: a stale handle of a network file system stays stale.
  if (Status status = directory_.reopen(); !status.ok()) return status;
  std::uint32_t number = number_ + 1;
  auto file = directory_.create_tail(number);
  while (!file.ok() && file.status().code() == Code::kExists && number < kFileNumberMax) {
    file = directory_.create_tail(++number);
  }
  return file.ok() ? start_tail(number, std::move(file).value(), undurable_) : file.status();
}

Status TailWriter::rotate_if_full() {
  if (written_bytes_ < tail_bytes_max_) return {};
  const std::uint32_t next = number_ + 1;
  auto file = directory_.create_tail(next);
  if (!file.ok()) {
    // Without space the present tail is still good. Otherwise its file system is in trouble: let go of it.
    const bool is_good = file.status().code() == Code::kNoSpace && !is_deleted();
    return is_good ? file.status() : give_up(file.status());
  }
  std::array<std::byte, 8> end{};
  Status status = append_record(Kind::kTailEnd, end);
  if (status.ok()) status = sync();
  if (!status.ok()) {
    directory_.remove_tail(next);
    return status;
  }
  file_.reset();
  const std::uint32_t full = number_;
  status = start_tail(next, std::move(file).value(), {});
  // Until the next tail stands with its snapshot, a later keeper learns from this one how far the journal went.
  (status.ok() ? completed_ : abandoned_).push_back(full);
  return status;
}

Status TailWriter::append(std::span<const std::byte> frames) {
  assert(healthy());
  undurable_.insert(undurable_.end(), frames.begin(), frames.end());
  written_bytes_ += frames.size();
  for (std::span<const std::byte> rest = frames; !rest.empty();) {
    const auto length = load_le<std::uint32_t>(rest.data());
    const Frame frame{.kind = static_cast<Kind>(load_le<std::uint8_t>(rest.data() + 18)),
                      .sequence = load_le<std::uint64_t>(rest.data() + 8),
                      .payload = rest.subspan(kFrameHeadBytes, length)};
    if ((load_le<std::uint8_t>(rest.data() + 19) & kFlagKeeper) == 0) {
      last_sequence_ = frame.sequence;
      snapshot_.observe(frame);
    }
    rest = rest.subspan(frame_bytes(length));
  }
  if (Status status = write_all(file_.get(), frames); !status.ok()) return give_up(std::move(status));
  if (undurable_.size() - written_back_bytes_ >= kWritebackBytes) {
    written_back_bytes_ = undurable_.size();
    ::sync_file_range(file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);  // A hint: what fails is found by the sync.
  }
  return {};
}

Status TailWriter::append_record(Kind kind, std::span<const std::byte> payload) {
  return append(keeper_frame(kind, payload));
}

Status TailWriter::sync() {
  assert(healthy());
  if (undurable_.empty()) return {};
#ifdef WB_MUTANT_RETRY_FAILED_FSYNC
  static_cast<void>(::fdatasync(file_.get()));
#endif
#ifndef WB_MUTANT_SEAL_BEFORE_SYNC
  if (::fdatasync(file_.get()) != 0) return give_up(os_status(errno, "fdatasync"));
#endif
  if (is_deleted()) return give_up({Code::kIoError, "somebody deleted the file while it was written"});
  if (!has_durable_name_) {
    if (Status status = directory_.sync(); !status.ok()) return give_up(std::move(status));
    has_durable_name_ = true;
  }
  durable_sequence_ = last_sequence_;
  clear_undurable();
  return {};
}

/// A file without a name takes writes and syncs like any other, and is gone when it is closed.
bool TailWriter::is_deleted() const noexcept {
  struct stat facts {};
  return ::fstat(file_.get(), &facts) == 0 && facts.st_nlink == 0;
}

/// The descriptor is never used again: after a failed sync the kernel may call lost pages clean.
Status TailWriter::give_up(Status status) {
  file_.reset();
  abandoned_.push_back(number_);
  return directory_.write_status(number_, status);
}

void TailWriter::clear_undurable() {
  if (undurable_.size() > kUndurableBytesKept) {
    std::vector<std::byte>().swap(undurable_);  // Gives the touched memory back.
    undurable_.reserve(kUndurableBytesReserved);
  }
  undurable_.clear();
  written_back_bytes_ = 0;
}

void TailWriter::close() {
  if (!healthy()) return;
  file_.reset();
  completed_.push_back(number_);
}

std::vector<std::uint32_t> TailWriter::take_completed() {
  return std::exchange(completed_, {});
}

}  // namespace wb
