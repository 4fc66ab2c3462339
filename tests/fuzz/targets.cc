// The fuzz targets: decode, then check what every caller relies on.
#include "tests/fuzz/targets.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "schema/bytes.h"
#include "schema/journal/mixed_block.h"
#include "schema/journal/segment.h"
#include "schema/journal/tail_reader.h"
#include "schema/record.h"

namespace wb {
namespace {

constexpr std::size_t kBlockFields = 8;

void require(bool condition) {
  if (!condition) std::abort();
}

// Looks at every byte, so that the sanitizers see a range that is too long.
void touch(std::string_view text) {
  volatile char sink = 0;
  for (const char c : text) sink = static_cast<char>(sink ^ c);
}

void read_payload(Kind kind, std::span<const std::byte> payload) {
  switch (kind) {
    case Kind::kRow: {
      const Result<RowView> row = RowView::parse(payload);
      for (std::size_t i = 0; row.ok() && i < row.value().size(); ++i) touch(row.value().value(i).text());
      return;
    }
    case Kind::kKey:
    case Kind::kKeySnapshot: {
      const Result<KeyRecord> key = decode_key(payload);
      if (key.ok()) touch(key.value().name);
      return;
    }
    case Kind::kFinish:
      static_cast<void>(decode_finish(payload).ok());
      return;
    case Kind::kHeartbeat:
      static_cast<void>(decode_heartbeat(payload).ok());
      return;
    default: {
      const Result<std::vector<Metric>> entries = decode_map(payload);
      if (!entries.ok()) return;
      for (const Metric& entry : entries.value()) {
        touch(entry.name);
        touch(entry.value.text());
      }
    }
  }
}

/// A file for SegmentReader, which opens no other things; removed with the process.
class ScratchFile {
 public:
  ScratchFile() : path_(std::filesystem::temp_directory_path() / ("wb-fuzz-" + std::to_string(::getpid()) + ".wbj")) {}
  ~ScratchFile() { std::filesystem::remove(path_); }
  std::string write(std::span<const std::byte> bytes) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path_;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

void fuzz_tail(std::span<const std::byte> bytes) {
  auto reader = TailReader::from_bytes({bytes.begin(), bytes.end()}, 0);
  if (!reader.ok()) return;
  TailReader& tail = *reader.value();
  std::uint64_t end = 0;
  while (const std::optional<Frame> frame = tail.next()) {
    require(tail.offset() >= end && tail.offset() % 8 == 0);
    end = tail.offset() + frame_bytes(frame->payload.size());
    require(end <= bytes.size());
    if (tail.damage()) require(tail.damage()->offset_bytes + tail.damage()->bytes <= tail.offset());
    read_payload(frame->kind, frame->payload);
  }
  require(!tail.next());
}

void fuzz_record(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  read_payload(static_cast<Kind>(bytes[0]), bytes.subspan(1));
}

std::vector<std::byte> pack_block(const BlockInfo& info, std::span<const std::byte> raw) {
  std::vector<std::byte> bytes(1 + 8 * kBlockFields);
  bytes[0] = static_cast<std::byte>(info.kind);
  std::byte* at = bytes.data() + 1;
  for (const std::uint64_t field :
       {info.record_count, info.first_ordinal, info.last_ordinal, info.first_sequence, info.last_sequence,
        info.first_keeper_sequence, info.last_keeper_sequence, std::uint64_t{raw.size()}}) {
    store_le(at, field);
    at += 8;
  }
  bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

void fuzz_block(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes);
  BlockInfo info{.kind = static_cast<BlockKind>(cursor.read<std::uint8_t>())};
  for (std::uint64_t* field :
       {&info.record_count, &info.first_ordinal, &info.last_ordinal, &info.first_sequence, &info.last_sequence,
        &info.first_keeper_sequence, &info.last_keeper_sequence, &info.raw_bytes}) {
    *field = cursor.read<std::uint64_t>();
  }
  if (!cursor.ok()) return;
  const auto raw = cursor.take(cursor.left());
  info.raw_bytes = raw.size();
  auto opened = BlockReader::open(info, {raw.begin(), raw.end()});
  if (!opened.ok()) return;
  BlockReader& block = *opened.value();
  require(block.size() == info.record_count);
  std::vector<std::vector<std::byte>> payloads;
  std::vector<PlacedFrame> frames;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const Frame frame = block.frame(i);
    payloads.emplace_back(frame.payload.begin(), frame.payload.end());
    frames.push_back({block.ordinal(i), frame});
    frames.back().frame.payload = payloads.back();
    read_payload(frame.kind, frame.payload);
    if (info.kind != BlockKind::kVerbatim) require(is_canonical_row(frames.back().frame));
    if (info.kind == BlockKind::kMixed) require(is_mixable(frames.back().frame));
  }
  // What was read can be written, and is read as the same.
  const RawBlock again = info.kind == BlockKind::kRows    ? encode_rows_block(frames)
                         : info.kind == BlockKind::kMixed ? encode_mixed_block(frames)
                                                          : encode_verbatim_block(frames);
  const auto reopened = BlockReader::open(block_info(info.kind, frames, again.bytes.size()), again.bytes);
  require(reopened.ok());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Frame frame = reopened.value()->frame(i);
    require(frame.sequence == frames[i].frame.sequence && frame.flags == frames[i].frame.flags);
    require(as_text(frame.payload) == as_text(payloads[i]));
  }
}

void fuzz_segment(std::span<const std::byte> bytes) {
  static const ScratchFile kFile;
  auto reader = SegmentReader::open(kFile.write(bytes));
  if (!reader.ok()) return;
  std::uint64_t count = 0;
  const Status status = reader.value()->read(0, [&](const Frame& frame) {
    read_payload(frame.kind, frame.payload);
    return ++count > 0;
  });
  if (status.ok()) require(count == reader.value()->info().record_count);
}

}  // namespace wb
