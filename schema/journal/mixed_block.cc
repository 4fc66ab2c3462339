// Mixed blocks, written and read.
#include "schema/journal/mixed_block.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "schema/journal/cuts.h"
#include "schema/journal/row_heads.h"

namespace wb {
namespace {

constexpr std::size_t kKeyPlanes = 2;
constexpr std::size_t kOwnColumnMin = 16;  // A key with fewer values shares a column with its neighbours.

bool is_float_word(std::uint32_t word) noexcept {
  return word >> 28 == static_cast<std::uint32_t>(ValueType::kFloat64);
}

bool is_scalar_word(std::uint32_t word) noexcept {
  const auto type = static_cast<ValueType>(word >> 28);
  return type <= ValueType::kNull && type != ValueType::kString && type != ValueType::kJson;
}

std::uint32_t word_at(const Frame& row, std::size_t i) noexcept {
  return load_le<std::uint32_t>(row.payload.data() + kRowHeadBytes + metric_count(row) * 8 + i * 4);
}

// The different key words by index, then by type: the keys of a dense row are then neighbours.
std::vector<std::uint32_t> different_words(std::span<const PlacedFrame> rows) {
  std::vector<std::uint32_t> words;
  for (const PlacedFrame& row : rows) {
    for (std::size_t i = 0; i < metric_count(row.frame); ++i) words.push_back(std::rotl(word_at(row.frame, i), 4));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  for (std::uint32_t& word : words) word = std::rotr(word, 4);
  return words;
}

/// Where the values of each key begin if metrics with these keys are sorted by key; one more at the end.
std::vector<std::uint32_t> key_begins(std::span<const std::uint16_t> keys, std::size_t key_count) {
  std::vector<std::uint32_t> begins(key_count + 1);
  for (const std::uint16_t key : keys) ++begins[key + 1U];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  return begins;
}

/// The values of many rows as they are written.
struct MixedValues {
  std::vector<std::uint32_t> words;
  std::vector<std::uint16_t> keys;  // Of each metric, row by row: its word's place.
  std::vector<std::uint32_t> begins;
  std::vector<std::uint64_t> values;  // By key, then by row.
};

MixedValues gather(std::span<const PlacedFrame> rows) {
  MixedValues mixed{.words = different_words(rows), .keys = {}, .begins = {}, .values = {}};
  for (const PlacedFrame& row : rows) {
    for (std::size_t i = 0; i < metric_count(row.frame); ++i) {
      const auto place =
          std::lower_bound(mixed.words.begin(), mixed.words.end(), word_at(row.frame, i),
                           [](std::uint32_t a, std::uint32_t b) { return std::rotl(a, 4) < std::rotl(b, 4); });
      mixed.keys.push_back(static_cast<std::uint16_t>(place - mixed.words.begin()));
    }
  }
  mixed.begins = key_begins(mixed.keys, mixed.words.size());
  mixed.values.resize(mixed.keys.size());
  std::vector<std::uint32_t> next(mixed.begins.begin(), mixed.begins.end() - 1);
  const std::uint16_t* key = mixed.keys.data();
  for (const PlacedFrame& row : rows) {
    for (std::size_t i = 0; i < metric_count(row.frame); ++i) {
#ifdef WB_MUTANT_MIXED_KEYS_EXCHANGED
      mixed.values[next[*key++]++] = row_word(row, kRowHeadBytes + i / 2 * 16);
#else
      mixed.values[next[*key++]++] = row_word(row, kRowHeadBytes + i * 8);
#endif
    }
  }
  return mixed;
}

/// A column of values: how many, and whether they are float64.
struct ValueColumn {
  std::size_t count = 0;
  bool is_float = false;
  bool is_shared = false;
};

// Keys with enough values get columns of their own; the others share one with their neighbours of the same kind.
std::vector<ValueColumn> cut_columns(const MixedValues& mixed) {
  std::vector<ValueColumn> columns;
  for (std::size_t key = 0; key < mixed.words.size(); ++key) {
    std::size_t left = mixed.begins[key + 1] - mixed.begins[key];
    const bool is_float = is_float_word(mixed.words[key]), is_shared = left < kOwnColumnMin;
    if (is_shared && !columns.empty() && columns.back().is_shared && columns.back().is_float == is_float &&
        columns.back().count + left <= kBlockRowsMax) {
      columns.back().count += left;
      continue;
    }
    for (; left > 0; left -= columns.back().count) {
      columns.push_back({std::min(left, kBlockRowsMax), is_float, is_shared});
    }
  }
  return columns;
}

void append_keys(RawBlock& to, std::span<const PlacedFrame> rows, std::span<const std::uint16_t> keys) {
  const std::size_t at = to.bytes.size();
  to.bytes.resize(at + kKeyPlanes * keys.size());
  to.cuts.push_back(at);
  to.cuts.push_back(at + keys.size());
  std::size_t metric = 0;
  for (const PlacedFrame& row : rows) {
    std::uint16_t before = 0;
    for (std::size_t i = 0; i < metric_count(row.frame); ++i, ++metric) {
      const auto step = static_cast<std::uint16_t>(keys[metric] - before);
      to.bytes[at + metric] = static_cast<std::byte>(step);
      to.bytes[at + keys.size() + metric] = static_cast<std::byte>(step >> 8);
      before = keys[metric];
    }
  }
}

/// Rows of many shapes; a frame is made again from its keys and values.
class MixedReader final : public BlockReader {
 public:
  static Result<std::unique_ptr<BlockReader>> open(const BlockInfo& info, std::vector<std::byte> raw);

  std::size_t size() const noexcept override { return heads_.size(); }
  std::uint64_t ordinal(std::size_t i) const noexcept override { return heads_.ordinal(i); }
  Frame frame(std::size_t i) override;

 private:
  Status read_counts(ByteCursor& cursor, std::size_t row_count, std::size_t metrics);
  Status read_keys(ByteCursor& cursor, std::size_t metrics);
  Status read_values(ByteCursor& cursor, std::span<const std::byte> column_counts);

  RowHeads heads_;
  std::vector<std::uint32_t> words_;
  std::vector<std::uint32_t> row_begins_;  // Of each row's metrics; one more at the end.
  std::vector<std::uint16_t> keys_;        // Of each metric, row by row.
  std::vector<std::uint64_t> values_;      // The same.
  std::vector<std::byte> payload_;
};

Result<std::unique_ptr<BlockReader>> MixedReader::open(const BlockInfo& info, std::vector<std::byte> raw) {
  auto block = std::make_unique<MixedReader>();
  ByteCursor cursor(raw);
  const auto row_count = cursor.read<std::uint32_t>();
  const auto key_count = cursor.read<std::uint32_t>();
  const auto metrics = cursor.read<std::uint32_t>();
  const auto column_count = cursor.read<std::uint32_t>();
  if (row_count == 0 || row_count > kBlockRowsMax) return Status(Code::kCorrupt, "rows in the block");
  if (metrics > kMixedMetricsMax) return Status(Code::kCorrupt, "metrics in the block");
  if (key_count > std::min(metrics, kMixedKeysMax)) return Status(Code::kCorrupt, "keys in the block");
  if (column_count > metrics) return Status(Code::kCorrupt, "columns in the block");
  const auto words = cursor.take(std::size_t{key_count} * 4);
  const auto column_counts = cursor.take(std::size_t{column_count} * 2);
  if (!cursor.ok()) return Status(Code::kCorrupt, "key words");
  for (std::size_t i = 0; i < key_count; ++i) {
    block->words_.push_back(load_le<std::uint32_t>(words.data() + i * 4));
    if (!is_scalar_word(block->words_[i])) return Status(Code::kCorrupt, "value type in the block");
  }
  Result<RowHeads> heads = RowHeads::read(cursor, row_count);
  if (!heads.ok()) return heads.status();
  block->heads_ = std::move(heads).value();
  Status status = block->read_counts(cursor, row_count, metrics);
  if (status.ok()) status = block->read_keys(cursor, metrics);
  if (status.ok()) status = block->read_values(cursor, column_counts);
  if (status.ok() && cursor.left() != 0) status = {Code::kCorrupt, "bytes behind the columns"};
  if (status.ok()) status = block->heads_.check(info);
  if (!status.ok()) return status;
  return std::unique_ptr<BlockReader>(std::move(block));
}

Status MixedReader::read_counts(ByteCursor& cursor, std::size_t row_count, std::size_t metrics) {
  const Result<Column> counts = Column::read(cursor, row_count, false);
  if (!counts.ok()) return counts.status();
  std::uint64_t begin = 0;
  row_begins_.push_back(0);
  for (std::size_t i = 0; i < row_count; ++i) {
    if (counts.value().value(i) > kRowKeysMax) return {Code::kCorrupt, "metrics of a row"};
    begin += counts.value().value(i);
    row_begins_.push_back(static_cast<std::uint32_t>(begin));
  }
  return begin == metrics ? Status() : Status(Code::kCorrupt, "metrics of the rows");
}

Status MixedReader::read_keys(ByteCursor& cursor, std::size_t metrics) {
  const auto planes = cursor.take(kKeyPlanes * metrics);
  if (!cursor.ok()) return {Code::kCorrupt, "keys of the rows"};
  keys_.resize(metrics);
  for (std::size_t row = 0; row + 1 < row_begins_.size(); ++row) {
    std::uint16_t key = 0;
    for (std::size_t i = row_begins_[row]; i < row_begins_[row + 1]; ++i) {
      key = static_cast<std::uint16_t>(key + std::to_integer<unsigned>(planes[i]) +
                                       (std::to_integer<unsigned>(planes[metrics + i]) << 8));
      if (key >= words_.size()) return {Code::kCorrupt, "key of a metric"};
      keys_[i] = key;
    }
  }
  return {};
}

Status MixedReader::read_values(ByteCursor& cursor, std::span<const std::byte> column_counts) {
  std::vector<std::uint64_t> sorted;
  sorted.reserve(keys_.size());
  for (std::size_t at = 0; at < column_counts.size(); at += 2) {
    const std::size_t count = load_le<std::uint16_t>(column_counts.data() + at);
    if (count == 0 || count > std::min(kBlockRowsMax, keys_.size() - sorted.size())) {
      return {Code::kCorrupt, "values of a column"};
    }
    const Result<Column> column = Column::read(cursor, count, false);
    if (!column.ok()) return column.status();
    for (std::size_t i = 0; i < count; ++i) sorted.push_back(column.value().value(i));
  }
  if (sorted.size() != keys_.size()) return {Code::kCorrupt, "values of the rows"};
  std::vector<std::uint32_t> next = key_begins(keys_, words_.size());
  values_.resize(keys_.size());
  for (std::size_t i = 0; i < keys_.size(); ++i) values_[i] = sorted[next[keys_[i]]++];
  return {};
}

Frame MixedReader::frame(std::size_t i) {
  assert(i < size());
  const std::size_t begin = row_begins_[i], count = row_begins_[i + 1] - begin;
  payload_.resize(row_bytes(count, 0));
  RowEncoder encoder(payload_.data(), count, 0, heads_.step(i), heads_.time(i));
  for (std::size_t metric = 0; metric < count; ++metric) {
    const std::uint32_t word = words_[keys_[begin + metric]];
    encoder.set(metric, word & kKeyIndexMask, Value::of(static_cast<ValueType>(word >> 28), values_[begin + metric]));
  }
  return heads_.frame(i, payload_);
}

}  // namespace

std::size_t metric_count(const Frame& row) noexcept {
  return load_le<std::uint32_t>(row.payload.data() + 24);
}

bool is_mixable(const Frame& row) {
  for (std::size_t i = 0; i < metric_count(row); ++i) {
    if (!is_scalar_word(word_at(row, i))) return false;
  }
  return true;
}

RawBlock encode_mixed_block(std::span<const PlacedFrame> rows) {
  assert(!rows.empty() && rows.size() <= kBlockRowsMax);
  const MixedValues mixed = gather(rows);
  const std::vector<ValueColumn> columns = cut_columns(mixed);
  assert(mixed.values.size() <= kMixedMetricsMax);
  assert(mixed.words.size() <= kMixedKeysMax);
  RawBlock raw{.bytes = std::vector<std::byte>(16 + mixed.words.size() * 4 + columns.size() * 2),
               .cuts = {},
               .is_numbers = true};
  std::byte* at = raw.bytes.data();
  const auto put = [&at](auto value) {
    store_le(at, value);
    at += sizeof value;
  };
  for (const std::size_t count : {rows.size(), mixed.words.size(), mixed.values.size(), columns.size()}) {
    put(static_cast<std::uint32_t>(count));
  }
  for (const std::uint32_t word : mixed.words) put(word);
  for (const ValueColumn& column : columns) put(static_cast<std::uint16_t>(column.count));
  RowHeads::append(raw, rows);
  std::vector<std::uint64_t> counts(rows.size());
  append_field(raw, counts, rows, false, [](const PlacedFrame& row) { return metric_count(row.frame); });
  append_keys(raw, rows, mixed.keys);
  std::size_t begin = 0;
  for (const ValueColumn& column : columns) {
    append_column(raw.bytes, raw.cuts, std::span(mixed.values).subspan(begin, column.count), column.is_float);
    begin += column.count;
  }
  raw.cuts = choose_cuts(raw.bytes, raw.cuts);
  return raw;
}

Result<std::unique_ptr<BlockReader>> open_mixed_block(const BlockInfo& info, std::vector<std::byte> raw) {
  return MixedReader::open(info, std::move(raw));
}

}  // namespace wb
