// Columns: the choice of a codec, and each codec both ways.
#include "schema/journal/column.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace wb {
namespace {

constexpr std::uint64_t zigzag(std::uint64_t difference) noexcept {
  return (difference << 1) ^ (std::uint64_t{0} - (difference >> 63));
}

constexpr std::uint64_t unzigzag(std::uint64_t code) noexcept {
  return (code >> 1) ^ (std::uint64_t{0} - (code & 1));
}

std::vector<std::uint64_t> deltas(std::span<const std::uint64_t> values) {
  std::vector<std::uint64_t> codes(values.size());
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    codes[i] = zigzag(values[i] - before);
    before = values[i];
  }
  return codes;
}

// n log2 n for counts of up to kBlockRowsMax, so that an estimate needs no logarithm.
double count_bits(std::size_t count) {
  static const std::vector<float> kTable = [] {
    std::vector<float> table(kBlockRowsMax + 1);
    for (std::size_t n = 2; n < table.size(); ++n) {
      table[n] = static_cast<float>(static_cast<double>(n) * std::log2(static_cast<double>(n)));
    }
    return table;
  }();
  return kTable[count];
}

// Bits that an order-0 entropy coder needs for the eight byte planes: what zstd comes close to on shuffled numbers.
double plane_bits(std::span<const std::uint64_t> values) {
  double bits = 0;
  for (unsigned plane = 0; plane < 8; ++plane) {
    std::array<std::uint32_t, 256> histogram{};
    for (const std::uint64_t value : values) ++histogram[(value >> (8 * plane)) & 0xFF];
    bits += count_bits(values.size());
    for (const std::uint32_t count : histogram) bits -= count_bits(count);
  }
  return bits;
}

std::byte* append_head(std::vector<std::byte>& to, ColumnCodec codec, std::size_t bytes) {
  const std::size_t at = to.size();
  to.resize(at + 5 + bytes);
  to[at] = static_cast<std::byte>(codec);
  store_le(to.data() + at + 1, static_cast<std::uint32_t>(bytes));
  return to.data() + at + 5;
}

void append_shuffled(std::vector<std::byte>& to, ColumnCodec codec, std::span<const std::uint64_t> values) {
  std::byte* planes = append_head(to, codec, values.size() * 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (unsigned plane = 0; plane < 8; ++plane) {
      planes[plane * values.size() + i] = static_cast<std::byte>(values[i] >> (8 * plane));
    }
  }
}

std::vector<std::uint64_t> unshuffled(std::span<const std::byte> planes, std::size_t count) {
  std::vector<std::uint64_t> values(count);
  for (unsigned plane = 0; plane < 8; ++plane) {
    const std::byte* from = planes.data() + plane * count;
    for (std::size_t i = 0; i < count; ++i) values[i] |= std::to_integer<std::uint64_t>(from[i]) << (8 * plane);
  }
  return values;
}

// Bytes that a column of 64-bit values must have; nothing for a codec that is none of theirs.
std::size_t value_bytes(ColumnCodec codec, std::size_t count) noexcept {
  switch (codec) {
    case ColumnCodec::kConstant:
      return 8;
    case ColumnCodec::kBytes:
      return count;
    default:
      return count * 8;
  }
}

}  // namespace

void append_column(std::vector<std::byte>& to, std::span<const std::uint64_t> values) {
  assert(!values.empty() && values.size() <= kBlockRowsMax);
  if (std::all_of(values.begin(), values.end(), [&](std::uint64_t v) { return v == values[0]; })) {
    store_le(append_head(to, ColumnCodec::kConstant, 8), values[0]);
    return;
  }
  if (std::all_of(values.begin(), values.end(), [](std::uint64_t v) { return v < 256; })) {
    std::byte* bytes = append_head(to, ColumnCodec::kBytes, values.size());
    for (const std::uint64_t value : values) *bytes++ = static_cast<std::byte>(value);
    return;
  }
  const std::vector<std::uint64_t> codes = deltas(values);
  if (plane_bits(codes) < plane_bits(values)) {
    append_shuffled(to, ColumnCodec::kDelta, codes);
  } else {
    append_shuffled(to, ColumnCodec::kShuffle, values);
  }
}

void append_text_column(std::vector<std::byte>& to, std::span<const std::string_view> texts) {
  std::size_t text_bytes = 0;
  for (const std::string_view text : texts) text_bytes += text.size();
  std::byte* at = append_head(to, ColumnCodec::kTexts, texts.size() * 4 + text_bytes);
  for (const std::string_view text : texts) {
    store_le(at, static_cast<std::uint32_t>(text.size()));
    at += 4;
  }
  for (const std::string_view text : texts) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
}

Result<Column> Column::read(ByteCursor& cursor, std::size_t count, bool is_text) {
  const auto codec = static_cast<ColumnCodec>(cursor.read<std::uint8_t>());
  const auto byte_count = cursor.read<std::uint32_t>();
  const auto bytes = cursor.take(byte_count);
  if (!cursor.ok()) return Status(Code::kCorrupt, "column head");
  if (codec > ColumnCodec::kTexts) return Status(Code::kUnsupported, "column codec");
  if (is_text != (codec == ColumnCodec::kTexts)) return Status(Code::kCorrupt, "column codec of another type");
  Column column;
  if (is_text) {
    if (bytes.size() < count * 4) return Status(Code::kCorrupt, "text column lengths");
    const std::size_t text_bytes = bytes.size() - count * 4;
    column.texts_ = reinterpret_cast<const char*>(bytes.data() + count * 4);
    column.offsets_.reserve(count + 1);
    std::uint64_t offset = 0;
    column.offsets_.push_back(0);
    for (std::size_t i = 0; i < count; ++i) {
      offset += load_le<std::uint32_t>(bytes.data() + i * 4);
      if (offset > text_bytes) return Status(Code::kCorrupt, "text column length");
      column.offsets_.push_back(static_cast<std::uint32_t>(offset));
    }
    if (offset != text_bytes) return Status(Code::kCorrupt, "text column size");
    return column;
  }
  if (bytes.size() != value_bytes(codec, count)) return Status(Code::kCorrupt, "column size");
  switch (codec) {
    case ColumnCodec::kConstant:
      column.values_.assign(1, load_le<std::uint64_t>(bytes.data()));
      break;
    case ColumnCodec::kBytes:
      for (const std::byte b : bytes) column.values_.push_back(std::to_integer<std::uint64_t>(b));
      break;
    case ColumnCodec::kRaw:
      column.values_.resize(count);
      std::memcpy(column.values_.data(), bytes.data(), bytes.size());
      break;
    default:
      column.values_ = unshuffled(bytes, count);
      if (codec == ColumnCodec::kDelta) {
        std::uint64_t before = 0;
        for (std::uint64_t& value : column.values_) before = value = before + unzigzag(value);
      }
  }
  return column;
}

}  // namespace wb
