// The fuzz targets of columns: a column of hostile bytes, and values that are written and must come back.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "schema/bytes.h"
#include "schema/journal/column.h"
#include "schema/journal/cuts.h"
#include "tests/fuzz/targets.h"

namespace wb {
namespace {

constexpr std::uint16_t kTextFlag = 1U << 15;  // Of the row count before a column's bytes.

void require(bool condition) {
  if (!condition) std::abort();
}

// Writes the values as a column, and reads them again.
ColumnCodec write_and_read(std::span<const std::uint64_t> values, bool is_float) {
  std::vector<std::byte> raw;
  std::vector<std::size_t> cuts;
  append_column(raw, cuts, values, is_float);
  require(std::is_sorted(cuts.begin(), cuts.end()) && cuts.back() <= raw.size());
  const std::vector<std::size_t> chosen = choose_cuts(raw, cuts);
  require(std::includes(cuts.begin(), cuts.end(), chosen.begin(), chosen.end()));
  ByteCursor cursor(raw);
  const Result<Column> column = Column::read(cursor, values.size(), false);
  require(column.ok() && cursor.left() == 0);
  for (std::size_t i = 0; i < values.size(); ++i) require(column.value().value(i) == values[i]);
  return static_cast<ColumnCodec>(raw[0]);
}

/// Makes values from bytes: a byte says how the next ones are meant, so that every codec's kind of column is near.
class ValueMaker {
 public:
  explicit ValueMaker(std::span<const std::byte> bytes)
      : cursor_(bytes),
        recipe_(cursor_.read<std::uint8_t>()),
        row_count_(1 + cursor_.read<std::uint16_t>() % kBlockRowsMax),
        scale_(1 + static_cast<double>(cursor_.read<std::uint32_t>() % 2'000'000)) {}

  bool is_float() const noexcept { return (recipe_ & 0x80) != 0; }

  // The input's values again and again, the integers among them rising, until there are enough for the histograms.
  std::vector<std::uint64_t> values() {
    std::vector<std::uint64_t> period;
    while (cursor_.left() > 0 && period.size() < row_count_) period.push_back(next());
    if (period.empty()) period.push_back(0);
    std::vector<std::uint64_t> values(row_count_);
    for (std::size_t i = 0; i < row_count_; ++i) {
      values[i] = period[i % period.size()] + ((recipe_ & 0x40) != 0 ? i / period.size() : 0);
    }
    return values;
  }

 private:
  std::uint64_t next() {
    switch (recipe_ & 7) {
      case 0:
        return cursor_.read<std::uint64_t>();
      case 1:
        return float_bits(static_cast<double>(std::bit_cast<float>(cursor_.read<std::uint32_t>())));
      case 2:
        return float_bits(static_cast<double>(cursor_.read<std::int16_t>()) / scale_);
      case 3:
        return float_bits(static_cast<double>(cursor_.read<std::int32_t>()) / scale_);
      case 4:
        return before_ += static_cast<std::uint64_t>(cursor_.read<std::int8_t>()) * static_cast<std::uint64_t>(scale_);
      case 5:
        return float_bits(level_ += static_cast<double>(cursor_.read<std::int8_t>()) / scale_);
      case 6:  // Extremes, and what is beside them.
        return kExtremes[cursor_.read<std::uint8_t>() % kExtremes.size()] + cursor_.read<std::uint8_t>() % 3 - 1;
      default:
        return cursor_.read<std::uint8_t>();
    }
  }

  static std::uint64_t float_bits(double value) noexcept { return std::bit_cast<std::uint64_t>(value); }

  static constexpr std::array<std::uint64_t, 10> kExtremes = {0,
                                                              UINT64_MAX,
                                                              std::uint64_t{1} << 63,
                                                              static_cast<std::uint64_t>(INT64_MAX),
                                                              0x7FF0'0000'0000'0000,
                                                              0xFFF0'0000'2000'0000,
                                                              0x000F'FFFF'FFFF'FFFF,
                                                              0x36A0'0000'0000'0000,  // The least denormal float32.
                                                              0x380F'FFFF'C000'0000,  // The greatest.
                                                              0x4340'0000'0000'0000};

  ByteCursor cursor_;
  std::uint8_t recipe_;
  std::size_t row_count_;
  double scale_;
  std::uint64_t before_ = 0;
  double level_ = 0;
};

}  // namespace

std::optional<ColumnCodec> fuzz_column(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes);
  const auto head = cursor.read<std::uint16_t>();
  const bool is_text = (head & kTextFlag) != 0;
  const std::size_t row_count = 1 + head % kBlockRowsMax;
  if (cursor.left() == 0) return std::nullopt;
  const auto codec = static_cast<ColumnCodec>(bytes[2]);
  const Result<Column> column = Column::read(cursor, row_count, is_text);
  if (!column.ok()) return std::nullopt;
  if (is_text) {
    std::size_t text_bytes = 0;
    for (std::size_t i = 0; i < row_count; ++i) text_bytes += column.value().text(i).size();
    require(text_bytes + 4 * row_count <= bytes.size());
    return codec;
  }
  std::vector<std::uint64_t> values(row_count);
  for (std::size_t i = 0; i < row_count; ++i) values[i] = column.value().value(i);
  write_and_read(values, true);
  write_and_read(values, false);
  return codec;
}

std::optional<ColumnCodec> fuzz_values(std::span<const std::byte> bytes) {
  ValueMaker maker(bytes);
  return write_and_read(maker.values(), maker.is_float());
}

std::vector<std::byte> pack_column(std::span<const std::byte> column, std::size_t row_count, bool is_text) {
  std::vector<std::byte> bytes(2);
  store_le(bytes.data(), static_cast<std::uint16_t>((row_count - 1) | (is_text ? kTextFlag : 0U)));
  bytes.insert(bytes.end(), column.begin(), column.end());
  return bytes;
}

}  // namespace wb
