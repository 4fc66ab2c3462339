// Blocks: records into raw bytes and back, by kind.
#include "schema/journal/block.h"

#include <algorithm>

#include "schema/bytes.h"
#include "schema/journal/cuts.h"
#include "schema/journal/mixed_block.h"
#include "schema/journal/row_heads.h"

namespace wb {
namespace {

constexpr std::size_t kVerbatimHeadBytes = 24;

bool is_text_word(std::uint32_t word) noexcept {
  const auto type = static_cast<ValueType>(word >> 28);
  return type == ValueType::kString || type == ValueType::kJson;
}

/// Rows of one shape; a frame is made again from its columns.
class RowsReader final : public BlockReader {
 public:
  static Result<std::unique_ptr<BlockReader>> open(const BlockInfo& info, std::vector<std::byte> raw);

  std::size_t size() const noexcept override { return heads_.size(); }
  std::uint64_t ordinal(std::size_t i) const noexcept override { return heads_.ordinal(i); }
  Frame frame(std::size_t i) override;

 private:
  Status check(const BlockInfo& info) const;
  std::size_t text_bytes(std::size_t i) const noexcept;

  std::vector<std::byte> raw_;
  RowHeads heads_;
  std::vector<std::uint32_t> words_;
  std::vector<std::size_t> text_columns_;
  std::vector<Column> columns_;
  std::vector<std::byte> payload_;
};

Result<std::unique_ptr<BlockReader>> RowsReader::open(const BlockInfo& info, std::vector<std::byte> raw) {
  auto block = std::make_unique<RowsReader>();
  block->raw_ = std::move(raw);
  ByteCursor cursor(block->raw_);
  const auto row_count = cursor.read<std::uint32_t>();
  const auto key_count = cursor.read<std::uint32_t>();
  if (row_count == 0 || row_count > kBlockRowsMax) return Status(Code::kCorrupt, "rows in the block");
  if (key_count > kRowKeysMax) return Status(Code::kCorrupt, "keys in the block");
  // A constant column is small on disk and not in the rows: the rows must keep the block's limit, too.
  if (row_count * row_bytes(key_count, 0) > kBlockBytesMax) return Status(Code::kCorrupt, "bytes of the rows");
  const auto words = cursor.take(std::size_t{key_count} * 4);
  if (!cursor.ok()) return Status(Code::kCorrupt, "key words");
  for (std::size_t i = 0; i < key_count; ++i) {
    block->words_.push_back(load_le<std::uint32_t>(words.data() + i * 4));
    if (block->words_[i] >> 28 > static_cast<std::uint32_t>(ValueType::kNull)) {
      return Status(Code::kCorrupt, "value type in the block");
    }
    if (is_text_word(block->words_[i])) block->text_columns_.push_back(i);
  }
  Result<RowHeads> heads = RowHeads::read(cursor, row_count);
  if (!heads.ok()) return heads.status();
  block->heads_ = std::move(heads).value();
  for (std::size_t i = 0; i < key_count; ++i) {
    Result<Column> column = Column::read(cursor, row_count, is_text_word(block->words_[i]));
    if (!column.ok()) return column.status();
    block->columns_.push_back(std::move(column).value());
  }
  if (cursor.left() != 0) return Status(Code::kCorrupt, "bytes behind the columns");
  Status status = block->check(info);
  if (!status.ok()) return status;
  return std::unique_ptr<BlockReader>(std::move(block));
}

Status RowsReader::check(const BlockInfo& info) const {
  for (std::size_t i = 0; i < size() && !text_columns_.empty(); ++i) {
    if (row_bytes(words_.size(), text_bytes(i)) > kFramePayloadBytesMax) return {Code::kCorrupt, "bytes of a row"};
  }
  return heads_.check(info);
}

std::size_t RowsReader::text_bytes(std::size_t i) const noexcept {
  std::size_t bytes = 0;
  for (const std::size_t column : text_columns_) bytes += columns_[column].text(i).size();
  return bytes;
}

Frame RowsReader::frame(std::size_t i) {
  assert(i < size());
  const std::size_t texts = text_bytes(i);
  payload_.resize(row_bytes(words_.size(), texts));
  RowEncoder encoder(payload_.data(), words_.size(), texts, heads_.step(i), heads_.time(i));
  for (std::size_t key = 0; key < words_.size(); ++key) {
    const Column& column = columns_[key];
    const auto type = static_cast<ValueType>(words_[key] >> 28);
    Value value;
    if (type == ValueType::kString) {
      value = Value(column.text(i));
    } else if (type == ValueType::kJson) {
      value = Value::json(column.text(i));
    } else {
      value = Value::of(type, column.value(i));
    }
    encoder.set(key, words_[key] & kKeyIndexMask, value);
  }
  return heads_.frame(i, payload_);
}

/// Records one after the other, as they were.
class VerbatimReader final : public BlockReader {
 public:
  static Result<std::unique_ptr<BlockReader>> open(const BlockInfo& info, std::vector<std::byte> raw);

  std::size_t size() const noexcept override { return frames_.size(); }
  std::uint64_t ordinal(std::size_t i) const noexcept override { return frames_[i].ordinal; }
  Frame frame(std::size_t i) override { return frames_[i].frame; }

 private:
  std::vector<std::byte> raw_;
  std::vector<PlacedFrame> frames_;
};

Result<std::unique_ptr<BlockReader>> VerbatimReader::open(const BlockInfo& info, std::vector<std::byte> raw) {
  auto block = std::make_unique<VerbatimReader>();
  block->raw_ = std::move(raw);
  ByteCursor cursor(block->raw_);
  while (cursor.left() > 0) {
    PlacedFrame placed;
    placed.ordinal = cursor.read<std::uint64_t>();
    placed.frame.sequence = cursor.read<std::uint64_t>();
    const auto length = cursor.read<std::uint32_t>();
    placed.frame.kind = static_cast<Kind>(cursor.read<std::uint8_t>());
    const auto flags = cursor.read<std::uint8_t>();
    const auto reserved = cursor.read<std::uint16_t>();
    if (length > kFramePayloadBytesMax || reserved != 0) return Status(Code::kCorrupt, "record head in the block");
    placed.frame.payload = cursor.take(length);
    if (!cursor.ok()) return Status(Code::kCorrupt, "record in the block");
    placed.frame.flags = flags & ~kFlagKeeper;
    placed.frame.source = (flags & kFlagKeeper) != 0 ? Source::kKeeper : Source::kTrainer;
    if (!block->frames_.empty() && placed.ordinal <= block->frames_.back().ordinal) {
      return Status(Code::kCorrupt, "order of the records");
    }
    if (placed.frame.sequence == 0) return Status(Code::kCorrupt, "sequence number of a record");
    block->frames_.push_back(placed);
  }
  const BlockInfo found = block_info(BlockKind::kVerbatim, block->frames_, block->raw_.size());
  if (block->frames_.empty() || found != info) {
    return Status(Code::kCorrupt, "the records are others than the table says");
  }
  return std::unique_ptr<BlockReader>(std::move(block));
}

}  // namespace

bool is_canonical_row(const Frame& frame) {
  if (frame.kind != Kind::kRow || frame.source != Source::kTrainer) return false;
  const Result<RowView> row = RowView::parse(frame.payload);
  if (!row.ok()) return false;
  const std::size_t count = row.value().size();
  const std::byte* values = frame.payload.data() + kRowHeadBytes;
  std::uint64_t text_at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_text_word(row.value().key_word_at(i))) continue;
    const auto place = load_le<std::uint64_t>(values + i * 8);
    if ((place & UINT32_MAX) != text_at) return false;  // RowEncoder puts texts one behind the other.
    text_at += place >> 32;
  }
  return row_bytes(count, text_at) == frame.payload.size();
}

RawBlock encode_rows_block(std::span<const PlacedFrame> rows) {
  assert(!rows.empty() && rows.size() <= kBlockRowsMax);
  const RowView shape = RowView::parse(rows[0].frame.payload).value();
  const std::size_t key_count = shape.size();
  RawBlock raw{.bytes = std::vector<std::byte>(8 + key_count * 4), .cuts = {}, .is_numbers = true};
  store_le(raw.bytes.data(), static_cast<std::uint32_t>(rows.size()));
  store_le(raw.bytes.data() + 4, static_cast<std::uint32_t>(key_count));
  for (std::size_t key = 0; key < key_count; ++key) store_le(raw.bytes.data() + 8 + key * 4, shape.key_word_at(key));

  RowHeads::append(raw, rows);
  std::vector<std::uint64_t> values(rows.size());
  std::vector<std::string_view> texts(rows.size());
  for (std::size_t key = 0; key < key_count; ++key) {
    const std::size_t value_at = kRowHeadBytes + key * 8;
    if (!is_text_word(shape.key_word_at(key))) {
      const bool is_float = shape.key_word_at(key) >> 28 == static_cast<std::uint32_t>(ValueType::kFloat64);
      append_field(raw, values, rows, is_float, [=](const PlacedFrame& row) { return row_word(row, value_at); });
      continue;
    }
    const std::size_t area_at = kRowHeadBytes + key_count * 12;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint64_t place = row_word(rows[i], value_at);
      texts[i] = as_text(rows[i].frame.payload.subspan(area_at + (place & UINT32_MAX), place >> 32));
    }
    append_text_column(raw.bytes, texts);
    raw.is_numbers = false;
  }
  raw.cuts = choose_cuts(raw.bytes, raw.cuts);
  return raw;
}

RawBlock encode_verbatim_block(std::span<const PlacedFrame> frames) {
  std::size_t bytes = 0;
  for (const PlacedFrame& placed : frames) bytes += kVerbatimHeadBytes + placed.frame.payload.size();
  std::vector<std::byte> raw(bytes);
  std::byte* at = raw.data();
  for (const auto& [ordinal, frame] : frames) {
    const unsigned source_bit = frame.source == Source::kKeeper ? kFlagKeeper : 0;
    store_le(at, ordinal);
    store_le(at + 8, frame.sequence);
    store_le(at + 16, static_cast<std::uint32_t>(frame.payload.size()));
    store_le(at + 20, static_cast<std::uint8_t>(frame.kind));
    store_le(at + 21, static_cast<std::uint8_t>(frame.flags | source_bit));
    if (!frame.payload.empty()) std::memcpy(at + kVerbatimHeadBytes, frame.payload.data(), frame.payload.size());
    at += kVerbatimHeadBytes + frame.payload.size();
  }
  return {.bytes = std::move(raw), .cuts = {}};
}

BlockInfo block_info(BlockKind kind, std::span<const PlacedFrame> frames, std::size_t raw_bytes) noexcept {
  BlockInfo info{.kind = kind, .record_count = frames.size(), .raw_bytes = raw_bytes};
  if (frames.empty()) return info;
  info.first_ordinal = frames.front().ordinal;
  info.last_ordinal = frames.back().ordinal;
  for (const auto& [ordinal, frame] : frames) {
    const bool keeper = frame.source == Source::kKeeper;
    std::uint64_t& first = keeper ? info.first_keeper_sequence : info.first_sequence;
    std::uint64_t& last = keeper ? info.last_keeper_sequence : info.last_sequence;
    first = first == 0 ? frame.sequence : std::min(first, frame.sequence);
    last = std::max(last, frame.sequence);
  }
  return info;
}

Result<std::unique_ptr<BlockReader>> BlockReader::open(const BlockInfo& info, std::vector<std::byte> raw) {
  if (raw.size() != info.raw_bytes) return Status(Code::kCorrupt, "raw bytes of the block");
  switch (info.kind) {
    case BlockKind::kRows:
      return RowsReader::open(info, std::move(raw));
    case BlockKind::kVerbatim:
      return VerbatimReader::open(info, std::move(raw));
    case BlockKind::kMixed:
      return open_mixed_block(info, std::move(raw));
  }
  return Status(Code::kUnsupported, "block kind");
}

}  // namespace wb
