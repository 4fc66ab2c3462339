// Frames as the trainer writes them, segments as the keeper packs them.
#include "bench/support/journal_maker.h"

#include <filesystem>

#include "schema/bytes.h"
#include "schema/frame.h"
#include "schema/journal/segment.h"
#include "schema/journal_name.h"
#include "schema/record.h"

namespace wb::bench {
namespace {

constexpr std::int64_t kStartNs = 1'000'000'000'000;
constexpr std::int64_t kWallOffsetUs = 1'760'000'000'000'000;

// Appends sealed frames to a buffer, counting sequence numbers.
class FrameWriter {
 public:
  FrameWriter(std::vector<std::byte>& to, std::uint32_t salt) : to_(to), salt_(salt) {}

  // `encode` writes the payload at the address that it gets.
  template <typename Encode>
  void add(std::size_t payload_bytes, Kind kind, std::uint8_t flags, Encode encode) {
    const std::size_t at = to_.size();
    to_.resize(at + frame_bytes(payload_bytes));
    encode(to_.data() + at + kFrameHeadBytes);
    seal_frame(to_.data() + at, payload_bytes, kind, flags, ++sequence_, salt_);
  }

 private:
  std::vector<std::byte>& to_;
  std::uint32_t salt_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

Uuid uuid_of(std::uint64_t number) {
  Uuid uuid;
  store_le<std::uint64_t>(uuid.bytes.data(), 0x9E37'79B9'7F4A'7C15U * (number + 1));
  store_le<std::uint64_t>(uuid.bytes.data() + 8, number);
  return uuid;
}

std::vector<std::byte> make_tail_frames(const Uuid& journal, std::string_view run_id, std::span<const Row> rows,
                                        std::span<const std::int64_t> gaps_ns, std::int64_t rank) {
  std::vector<std::byte> frames;
  frames.reserve(rows.size() * frame_bytes(row_bytes(kMetricCount, 0)) + 4096);
  FrameWriter writer(frames, journal.salt());
  const std::array<Metric, 4> run = {
      {{"run_id", run_id}, {"project", "bench"}, {"rank", rank}, {"start_wall_us", kStartNs / 1000 + kWallOffsetUs}}};
  writer.add(map_bytes(run), Kind::kRun, 0, [&](std::byte* to) { encode_map(to, run); });
  for (std::uint32_t i = 0; i < kMetricCount; ++i) {
    const std::string& name = metric_names()[i];
    writer.add(key_record_bytes(name), Kind::kKey, 0, [&](std::byte* to) { encode_key(to, i, name); });
  }
  std::int64_t exact_ns = kStartNs;
  Timestamp time{.mono_ns = kStartNs, .wall_offset_us = kWallOffsetUs};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    exact_ns += gaps_ns[r];
    time.mono_ns = exact_ns / 1000 * 1000;  // As the producer rounds it.
    writer.add(row_bytes(kMetricCount, 0), Kind::kRow, kRowCommit, [&](std::byte* to) {
      RowEncoder row(to, kMetricCount, 0, static_cast<std::int64_t>(r), time);
      for (std::uint32_t i = 0; i < kMetricCount; ++i) row.set(i, i, Value(rows[r][i]));
    });
  }
  writer.add(kFinishRecordBytes, Kind::kFinish, 0,
             [&](std::byte* to) { encode_finish(to, {.exit_code = 0, .time = time}); });
  return frames;
}

Result<std::uint64_t> pack_frames(std::span<const std::byte> frames, const Uuid& journal, const std::string& path) {
  auto writer = SegmentWriter::create(path, journal, 0);
  if (!writer.ok()) return writer.status();
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < frames.size(); ++count) {
    const auto frame = read_frame(frames.subspan(at), journal.salt());
    if (!frame.ok()) return frame.status();
    if (const Status added = writer.value()->add(frame.value()); !added.ok()) return added;
    at += frame_bytes(frame.value().payload.size());
  }
  const auto info = writer.value()->finish();
  if (!info.ok()) return info.status();
  if (info.value().record_count != count) return Status(Code::kInternal, "the segment has not all records");
  return count;
}

Status make_group(const std::string& directory, std::string_view run_id, std::uint64_t journals, std::size_t rows) {
  const std::string run_directory = directory + "/" + std::string(run_id);
  std::filesystem::create_directory(run_directory);
  const auto gaps = make_gaps_ns(rows, 2);
  for (std::uint64_t number = 0; number < journals; ++number) {
    const Uuid journal = uuid_of(number);
    const auto rank = static_cast<std::int64_t>(number);
    const auto frames = make_tail_frames(journal, run_id, make_rows(Mix::kTraining, rows, number + 1), gaps, rank);
    const std::string file = journal_file(journal_stem(run_id, rank, 0, journal), 0, FileKind::kSegment);
    if (const auto packed = pack_frames(frames, journal, run_directory + "/" + file); !packed.ok()) {
      return packed.status();
    }
  }
  return {};
}

}  // namespace wb::bench
