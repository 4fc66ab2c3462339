// What the rows of a block have besides their metrics: six columns, and what must hold for them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schema/journal/block.h"
#include "schema/journal/column.h"
#include "schema/record.h"

namespace wb {

inline constexpr std::size_t kRowKeysMax = (kFramePayloadBytesMax - kRowHeadBytes) / 12;  ///< Metrics of a row.

inline std::uint64_t row_word(const PlacedFrame& row, std::size_t offset) noexcept {
  return load_le<std::uint64_t>(row.frame.payload.data() + offset);
}

/// Appends a column with `field_of` of each row. `values` is scratch of as many.
void append_field(RawBlock& to, std::vector<std::uint64_t>& values, std::span<const PlacedFrame> rows, bool is_float,
                  const auto& field_of) {
  for (std::size_t i = 0; i < rows.size(); ++i) values[i] = field_of(rows[i]);
  append_column(to.bytes, to.cuts, values, is_float);
}

/// Ordinal, sequence number, flags, step and time of each row of a block.
class RowHeads {
 public:
  static void append(RawBlock& to, std::span<const PlacedFrame> rows);
  /// Reads the columns at the cursor. Fails as Column::read().
  static Result<RowHeads> read(ByteCursor& cursor, std::size_t row_count);

  /// kCorrupt unless ordinals and sequence numbers rise, the flags are a trainer's, and all is as `info` says.
  Status check(const BlockInfo& info) const;

  std::size_t size() const noexcept { return row_count_; }
  std::uint64_t ordinal(std::size_t i) const noexcept { return columns_[0].value(i); }
  std::int64_t step(std::size_t i) const noexcept { return static_cast<std::int64_t>(columns_[3].value(i)); }
  Timestamp time(std::size_t i) const noexcept {
    return {static_cast<std::int64_t>(columns_[4].value(i)), static_cast<std::int64_t>(columns_[5].value(i))};
  }
  Frame frame(std::size_t i, std::span<const std::byte> payload) const noexcept;

 private:
  std::uint64_t sequence(std::size_t i) const noexcept { return ordinal(i) + columns_[1].value(i); }

  std::size_t row_count_ = 0;
  std::vector<Column> columns_;
};

}  // namespace wb
