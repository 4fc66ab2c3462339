// SegmentWriter: gathers records, packs them into blocks, seals the file.
#include <algorithm>
#include <map>
#include <optional>

#include "schema/bytes.h"
#include "schema/journal/block.h"
#include "schema/journal/compression.h"
#include "schema/journal/file.h"
#include "schema/journal/mixed_block.h"
#include "schema/journal/segment.h"
#include "schema/journal/segment_rows.h"
#include "schema/journal/segment_tables.h"
#include "schema/journal/sqlite.h"
#include "schema/record.h"

namespace wb {
namespace {

// All that is gathered is written once it has this size. Records of blocks that overlap then lie within one such
// stretch of the tail, which bounds the memory of writer and reader.
constexpr std::size_t kStretchBytes = 6U << 20;
constexpr std::size_t kVerbatimBlockBytes = 1U << 20;
// Shapes with fewer rows share mixed blocks, if so many of them do.
constexpr std::size_t kRareRowsMax = 256;
constexpr std::size_t kRareShapesMin = 8;
constexpr std::size_t kSmallSegmentBytes = 64U << 10;  // Below it, large pages would be mostly empty.
constexpr int kPageBytes = 1024;  // 4096 leave 20 KiB empty in five tables and behind the blocks' last pages.
constexpr int kSmallPageBytes = 512;

/// A gathered record; its payload lies in the stretch's bytes.
struct Gathered {
  std::uint64_t ordinal;
  std::uint64_t sequence;
  std::size_t offset;
  std::uint32_t payload_bytes;
  Kind kind;
  std::uint8_t flags;
  Source source;
};

class Writer final : public SegmentWriter {
 public:
  Writer(std::string path, const Uuid& journal, std::uint32_t number, ShortPath short_path, Compressor compressor)
      : path_(std::move(path)),
        short_path_(std::move(short_path)),
        compressor_(std::move(compressor)),
        salt_(journal.salt()) {
    seal_.info.journal = journal;
    seal_.info.number = number;
    // At once: a vector that grows has both its old and its new place. Only what is used of it becomes memory.
    stretch_.reserve(kStretchBytes + kFramePayloadBytesMax);
  }

  Status add(const Frame& frame) override;
  Result<SegmentInfo> finish() override;

 private:
  using Records = std::vector<Gathered>;

  Status fail(const Status& status) { return failure_ = Status(status.code(), path_ + ": " + status.message()); }
  void note_key(const Frame& frame);
  Records& shape_of(const Frame& frame);

  Records take_rare_rows();
  Status write_stretch();
  Status write_mixed(const Records& rows);
  Status write_verbatim();
  Status write_block(BlockKind kind, const Records& records);
  std::vector<PlacedFrame> placed(const Records& records) const;

  Status begin(int page_bytes);
  Status write_seal();
  Status seal();

  std::string path_;
  ShortPath short_path_;
  Compressor compressor_;
  std::uint32_t salt_;
  std::optional<Database> database_;
  std::optional<Statement> insert_block_;
  Status failure_;  // The first failure, or that the segment is finished.
  SegmentSeal seal_;
  std::vector<std::uint32_t> block_hashes_;
  SequenceSet trainer_;
  SequenceSet keeper_;
  std::map<std::uint32_t, std::string> keys_;

  std::vector<std::byte> stretch_;
  std::size_t stretch_bytes_ = 0;  // As frames.
  std::size_t verbatim_bytes_ = 0;
  Records verbatim_;
  std::map<std::string, Records, std::less<>> shapes_;  // By the bytes of their key words.
  Records* last_shape_ = nullptr;
  std::string last_words_;
};

void Writer::note_key(const Frame& frame) {
  if (frame.kind != Kind::kKey && frame.kind != Kind::kKeySnapshot) return;
  const Result<KeyRecord> key = decode_key(frame.payload);
  if (key.ok()) keys_.insert_or_assign(key.value().index, std::string(key.value().name));
}

Writer::Records& Writer::shape_of(const Frame& frame) {
  const std::size_t count = load_le<std::uint32_t>(frame.payload.data() + 24);
  const std::string_view words = as_text(frame.payload.subspan(kRowHeadBytes + count * 8, count * 4));
  if (last_shape_ == nullptr || last_words_ != words) {
    last_words_ = words;
    last_shape_ = &shapes_.try_emplace(last_words_).first->second;
  }
  return *last_shape_;
}

Status Writer::add(const Frame& frame) {
  if (!failure_.ok()) return failure_;
  if (frame.payload.size() > kFramePayloadBytesMax) return {Code::kInvalidArgument, path_ + ": payload too large"};
  // After a failed sync a keeper writes records again, so that a number may come twice or behind a higher one.
  SequenceSet& seen = frame.source == Source::kKeeper ? keeper_ : trainer_;
  const bool rises = frame.sequence > seen.last();
  if (!seen.insert(frame.sequence)) return {};
  note_key(frame);

  const Gathered record{.ordinal = seal_.info.record_count++,
                        .sequence = frame.sequence,
                        .offset = stretch_.size(),
                        .payload_bytes = static_cast<std::uint32_t>(frame.payload.size()),
                        .kind = frame.kind,
                        .flags = frame.flags,
                        .source = frame.source};
  stretch_bytes_ += frame_bytes(frame.payload.size());
  stretch_.insert(stretch_.end(), frame.payload.begin(), frame.payload.end());
  Status status;
  if (rises && is_canonical_row(frame)) {
    Records& rows = shape_of(frame);
    rows.push_back(record);
    if (rows.size() == kBlockRowsMax) {
      status = write_block(BlockKind::kRows, rows);
      rows.clear();
    }
  } else {
    verbatim_.push_back(record);
    verbatim_bytes_ += frame_bytes(frame.payload.size());
    if (verbatim_bytes_ >= kVerbatimBlockBytes) status = write_verbatim();
  }
  if (status.ok() && stretch_bytes_ >= kStretchBytes) status = write_stretch();
  return status;
}

std::vector<PlacedFrame> Writer::placed(const Records& records) const {
  std::vector<PlacedFrame> frames;
  frames.reserve(records.size());
  for (const Gathered& record : records) {
    frames.push_back({record.ordinal,
                      {.kind = record.kind,
                       .flags = record.flags,
                       .source = record.source,
                       .sequence = record.sequence,
                       .payload = std::span(stretch_).subspan(record.offset, record.payload_bytes)}});
  }
  return frames;
}

Status Writer::write_block(BlockKind kind, const Records& records) {
  if (!database_) {
    Status status = begin(kPageBytes);
    if (!status.ok()) return status;
  }
  const std::vector<PlacedFrame> frames = placed(records);
  const RawBlock raw = kind == BlockKind::kRows    ? encode_rows_block(frames)
                       : kind == BlockKind::kMixed ? encode_mixed_block(frames)
                                                   : encode_verbatim_block(frames);
  const BlockInfo info = block_info(kind, frames, raw.bytes.size());
  const Result<std::span<const std::byte>> data =
      compressor_.compress(raw.bytes, raw.cuts, raw.is_numbers ? kNumbersMatchBytesMin : 0);
  if (!data.ok()) return fail(data.status());

  const std::uint64_t id = ++seal_.info.block_count;
  const std::uint32_t hash = block_row_hash(salt_, id, info, data.value());
  block_hashes_.push_back(hash);
  int parameter = 0;
  for (const std::uint64_t value :
       {id, static_cast<std::uint64_t>(kind), info.record_count, info.first_ordinal, info.last_ordinal,
        info.first_sequence, info.last_sequence, info.first_keeper_sequence, info.last_keeper_sequence, info.raw_bytes,
        std::uint64_t{hash}}) {
    Status status = insert_block_->bind(++parameter, static_cast<std::int64_t>(value));
    if (!status.ok()) return fail(status);
  }
  Status status = insert_block_->bind_blob(++parameter, data.value());
  if (status.ok()) status = insert_block_->run();
  return status.ok() ? status : fail(status);
}

Status Writer::write_verbatim() {
  std::sort(verbatim_.begin(), verbatim_.end(),
            [](const Gathered& a, const Gathered& b) { return a.ordinal < b.ordinal; });
  Status status;
  Records part;
  std::size_t part_bytes = 0;
  for (std::size_t i = 0; i < verbatim_.size() && status.ok(); ++i) {
    part.push_back(verbatim_[i]);
    part_bytes += frame_bytes(verbatim_[i].payload_bytes);
    if (part_bytes < kVerbatimBlockBytes && i + 1 < verbatim_.size()) continue;
    status = write_block(BlockKind::kVerbatim, part);
    part.clear();
    part_bytes = 0;
  }
  verbatim_.clear();
  verbatim_bytes_ = 0;
  return status;
}

// The rows of rare shapes without texts, in the order of the tail, if they are worth mixed blocks.
Writer::Records Writer::take_rare_rows() {
  const auto is_rare = [this](const auto& shape) {
    const Records& rows = shape.second;
    return !rows.empty() && rows.size() < kRareRowsMax && is_mixable(placed({rows.front()})[0].frame);
  };
  Records taken;
  if (static_cast<std::size_t>(std::count_if(shapes_.begin(), shapes_.end(), is_rare)) < kRareShapesMin) return taken;
  for (auto& [words, rows] : shapes_) {
    if (is_rare(std::pair<std::string_view, const Records&>(words, rows))) {
      taken.insert(taken.end(), rows.begin(), rows.end());
      rows.clear();
    }
  }
  std::sort(taken.begin(), taken.end(), [](const Gathered& a, const Gathered& b) { return a.ordinal < b.ordinal; });
  return taken;
}

Status Writer::write_mixed(const Records& rows) {
  Status status;
  Records part;
  std::size_t metrics = 0;
  const auto write = [&] {
    if (status.ok() && !part.empty()) status = write_block(BlockKind::kMixed, part);
    part.clear();
    metrics = 0;
  };
  for (const Gathered& row : rows) {
    const std::size_t more = row.payload_bytes / (sizeof(std::uint64_t) + sizeof(std::uint32_t));  // Or a few fewer.
    if (part.size() == kBlockRowsMax || metrics + more > kMixedMetricsMax) write();
    part.push_back(row);
    metrics += more;
  }
  write();
  return status;
}

Status Writer::write_stretch() {
  // In the order of the tail, so that the same records give the same file.
  const Records rare = take_rare_rows();
  std::vector<const Records*> shapes;
  for (const auto& [words, rows] : shapes_) {
    if (rows.size() >= kBlockRowsMin) {
      shapes.push_back(&rows);
    } else {
      verbatim_.insert(verbatim_.end(), rows.begin(), rows.end());
    }
  }
  std::sort(shapes.begin(), shapes.end(),
            [](const Records* a, const Records* b) { return a->front().ordinal < b->front().ordinal; });
  Status status;
  for (const Records* rows : shapes) {
    if (status.ok()) status = write_block(BlockKind::kRows, *rows);
  }
  if (status.ok()) status = write_mixed(rare);
  if (status.ok()) status = write_verbatim();
  shapes_.clear();
  last_shape_ = nullptr;
  stretch_.clear();
  stretch_bytes_ = 0;
  return status;
}

Status Writer::begin(int page_bytes) {
  Result<Database> database = Database::open(short_path_.path, OpenMode::kExclusive);
  if (!database.ok()) return fail(database.status());
  database_ = std::move(database).value();
  Status status = database_->execute(page_bytes == kPageBytes ? "PRAGMA page_size=1024" : "PRAGMA page_size=512");
  if (status.ok()) {
    status = database_->execute(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; BEGIN;"
        "PRAGMA application_id=0x77626A30; PRAGMA user_version=1");
  }
  for (const SegmentTable& table : segment_tables()) {
    if (status.ok()) status = database_->execute(std::string(table.sql).c_str());
  }
  if (!status.ok()) return fail(status);
  Result<Statement> insert = database_->prepare("INSERT INTO blocks VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
  if (!insert.ok()) return fail(insert.status());
  insert_block_ = std::move(insert).value();
  return {};
}

Status Writer::write_seal() {
  Result<Statement> insert = database_->prepare("INSERT INTO seal VALUES(1,?,?,?,?,?,?,?,?,?,?)");
  if (!insert.ok()) return insert.status();
  const SegmentInfo& info = seal_.info;
  int parameter = 0;
  for (const std::uint64_t value :
       {info.block_count, info.record_count, seal_.key_count, seal_.gap_count, info.first_sequence, info.last_sequence,
        info.first_keeper_sequence, info.last_keeper_sequence, std::uint64_t{seal_.content},
        std::uint64_t{seal_row_hash(salt_, seal_)}}) {
    Status status = insert.value().bind(++parameter, static_cast<std::int64_t>(value));
    if (!status.ok()) return status;
  }
  return insert.value().run();
}

Status Writer::seal() {
  ContentHash content(salt_);
  const std::vector<SegmentGap> gaps = segment_gaps(trainer_, keeper_);
  Status status = write_meta_rows(*database_, seal_.info, content);
  if (status.ok()) status = write_key_rows(*database_, salt_, keys_, content);
  if (status.ok()) status = write_gap_rows(*database_, salt_, gaps, content);
  if (!status.ok()) return status;
  for (const std::uint32_t hash : block_hashes_) content.add(hash);
  seal_.content = content.value();
  seal_.key_count = keys_.size();
  seal_.gap_count = gaps.size();
  seal_.info.first_sequence = trainer_.first();
  seal_.info.last_sequence = trainer_.last();
  seal_.info.first_keeper_sequence = keeper_.first();
  seal_.info.last_keeper_sequence = keeper_.last();
  status = write_seal();
  insert_block_.reset();
  if (status.ok()) status = database_->execute("COMMIT");
  return status.ok() ? database_->close() : status;
}

Result<SegmentInfo> Writer::finish() {
  if (!failure_.ok()) return failure_;
  Status status;
  if (!database_) status = begin(stretch_bytes_ < kSmallSegmentBytes ? kSmallPageBytes : kPageBytes);
  if (status.ok()) status = write_stretch();
  if (!status.ok()) return status;
  status = seal();
  if (!status.ok()) return fail(status);
  failure_ = Status(Code::kClosed, path_ + ": the segment is finished");
  return seal_.info;
}

}  // namespace

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::string& path, const Uuid& journal,
                                                             std::uint32_t number) {
  Result<Compressor> compressor = Compressor::create();
  if (!compressor.ok()) return compressor.status();
  Result<Descriptor> file = create_regular(path);
  if (!file.ok()) return file.status();
  Result<ShortPath> short_path = ShortPath::of(path);
  if (!short_path.ok()) return short_path.status();
  return std::unique_ptr<SegmentWriter>(
      std::make_unique<Writer>(path, journal, number, std::move(short_path).value(), std::move(compressor).value()));
}

}  // namespace wb
