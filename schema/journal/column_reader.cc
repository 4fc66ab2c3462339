// Columns, read: each codec's bytes back into values. The bytes cannot be trusted.
#include <optional>

#include "schema/journal/column.h"
#include "schema/journal/numbers.h"

namespace wb {
namespace {

constexpr std::uint64_t unzigzag(std::uint64_t code) noexcept {
  return (code >> 1) ^ (std::uint64_t{0} - (code & 1));
}

// Adds the numbers whose lowest bytes, then second bytes, ... stand in `planes`.
void add_planes(std::span<const std::byte> planes, unsigned width, std::span<std::uint64_t> values) noexcept {
  for (unsigned plane = 0; plane < width; ++plane) {
    const std::byte* from = planes.data() + plane * values.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] += std::to_integer<std::uint64_t>(from[i]) << (8 * plane);
    }
  }
}

// Nothing for a codec that is none of the mapped ones.
std::optional<MappingKind> mapping_of(ColumnCodec codec) noexcept {
  switch (codec) {
    case ColumnCodec::kInteger:
      return MappingKind::kInteger;
    case ColumnCodec::kFloat64:
      return MappingKind::kFloat64;
    case ColumnCodec::kFloat32:
      return MappingKind::kFloat32;
    case ColumnCodec::kQuotient:
      return MappingKind::kQuotient;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<Column> Column::read(ByteCursor& cursor, std::size_t count, bool is_text) {
  const auto codec = static_cast<ColumnCodec>(cursor.read<std::uint8_t>());
  const auto byte_count = cursor.read<std::uint32_t>();
  const auto bytes = cursor.take(byte_count);
  if (!cursor.ok()) return Status(Code::kCorrupt, "column head");
  if (codec > ColumnCodec::kQuotient) return Status(Code::kUnsupported, "column codec");
  if (is_text != (codec == ColumnCodec::kTexts)) return Status(Code::kCorrupt, "column codec of another type");
  Column column;
  Status status;
  if (is_text) {
    status = column.read_texts(bytes, count);
  } else if (codec == ColumnCodec::kDictionary) {
    status = column.read_dictionary(bytes, count);
  } else if (mapping_of(codec)) {
    status = column.read_numbers(codec, bytes, count);
  } else {
    status = column.read_plain(codec, bytes, count);
  }
  if (!status.ok()) return status;
  return column;
}

Status Column::read_texts(std::span<const std::byte> bytes, std::size_t count) {
  if (bytes.size() < count * 4) return {Code::kCorrupt, "text column lengths"};
  const std::size_t text_bytes = bytes.size() - count * 4;
  texts_ = reinterpret_cast<const char*>(bytes.data() + count * 4);
  offsets_.reserve(count + 1);
  std::uint64_t offset = 0;
  offsets_.push_back(0);
  for (std::size_t i = 0; i < count; ++i) {
    offset += load_le<std::uint32_t>(bytes.data() + i * 4);
    if (offset > text_bytes) return {Code::kCorrupt, "text column length"};
    offsets_.push_back(static_cast<std::uint32_t>(offset));
  }
  return offset == text_bytes ? Status() : Status(Code::kCorrupt, "text column size");
}

Status Column::read_plain(ColumnCodec codec, std::span<const std::byte> bytes, std::size_t count) {
  const std::size_t expected = codec == ColumnCodec::kConstant ? 8 : codec == ColumnCodec::kBytes ? count : count * 8;
  if (bytes.size() != expected) return {Code::kCorrupt, "column size"};
  if (codec == ColumnCodec::kConstant) {
    values_.assign(1, load_le<std::uint64_t>(bytes.data()));
    return {};
  }
  values_.assign(count, 0);
  if (codec == ColumnCodec::kRaw) {
    std::memcpy(values_.data(), bytes.data(), bytes.size());
    return {};
  }
  add_planes(bytes, codec == ColumnCodec::kBytes ? 1 : 8, values_);
  if (codec == ColumnCodec::kDelta) {
    std::uint64_t before = 0;
    for (std::uint64_t& value : values_) before = value = before + unzigzag(value);
  }
  return {};
}

Status Column::read_dictionary(std::span<const std::byte> bytes, std::size_t count) {
  ByteCursor cursor(bytes);
  const std::size_t entry_count = cursor.read<std::uint16_t>();
  const auto entries = cursor.take(entry_count * 8);
  const auto indices = cursor.take(count);
  if (!cursor.ok() || cursor.left() != 0) return {Code::kCorrupt, "dictionary size"};
  values_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto index = std::to_integer<std::size_t>(indices[i]);
    if (index >= entry_count) return {Code::kCorrupt, "dictionary index"};
    values_[i] = load_le<std::uint64_t>(entries.data() + index * 8);
  }
  return {};
}

Status Column::read_numbers(ColumnCodec codec, std::span<const std::byte> bytes, std::size_t count) {
  Mapping mapping{.kind = *mapping_of(codec)};
  ByteCursor cursor(bytes);
  const std::size_t order = cursor.read<std::uint8_t>();
  const unsigned width = cursor.read<std::uint8_t>();
  const std::size_t exception_count = cursor.read<std::uint16_t>();
  const auto base = cursor.read<std::uint64_t>();
  if (mapping.kind == MappingKind::kInteger || mapping.kind == MappingKind::kQuotient) {
    mapping.scale = cursor.read<std::uint64_t>();
    if (mapping.scale == 0 || (mapping.kind == MappingKind::kQuotient && mapping.scale > kQuotientScaleMax)) {
      return {Code::kCorrupt, "scale of a column"};
    }
  }
  if (order > kDifferenceOrderMax || order >= count || width > 8 || exception_count > count) {
    return {Code::kCorrupt, "head of a column"};
  }
  const auto firsts = cursor.take(order * 8);
  const auto rows = cursor.take(exception_count * 2);
  const auto exceptions = cursor.take(exception_count * 8);
  const auto planes = cursor.take(width * (count - order));
  if (!cursor.ok() || cursor.left() != 0) return {Code::kCorrupt, "size of a column"};

  values_.assign(count, base);
  add_planes(planes, width, std::span(values_).subspan(order));
  for (std::size_t level = order; level-- > 0;) {
    std::uint64_t before = values_[level] = load_le<std::uint64_t>(firsts.data() + level * 8);
    for (std::size_t i = level + 1; i < count; ++i) before = values_[i] += before;
  }
  unmap_values(mapping, values_);
  std::size_t row_min = 0;
  for (std::size_t i = 0; i < exception_count; ++i) {
    const std::size_t row = load_le<std::uint16_t>(rows.data() + i * 2);
    if (row < row_min || row >= count) return {Code::kCorrupt, "exceptions of a column"};
    values_[row] = load_le<std::uint64_t>(exceptions.data() + i * 8);
    row_min = row + 1;
  }
  return {};
}

}  // namespace wb
