// Columns: the values of one field of many rows, as bytes that compress well.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "schema/bytes.h"
#include "schema/journal/block.h"

namespace wb {

inline constexpr unsigned kDifferenceOrderMax = 4;   ///< Differences of differences of ... of a number column.
inline constexpr std::size_t kColumnHeadBytes = 5;   ///< u8 codec, u32 bytes.
inline constexpr std::size_t kNumberHeadBytes = 12;  ///< u8 order, u8 width, u16 exceptions, u64 base.

/// Appends a column of 64-bit values under the codec that promises the fewest bytes after compression. `is_float`: they
/// are float64. Adds to `cuts` the offsets where planes of bytes begin, which may need a coding of their own.
void append_column(std::vector<std::byte>& to, std::vector<std::size_t>& cuts, std::span<const std::uint64_t> values,
                   bool is_float);

/// Appends a column of texts.
void append_text_column(std::vector<std::byte>& to, std::span<const std::string_view> texts);

/// A decoded column of `count` rows. Texts are borrowed from the bytes it was read from.
class Column {
 public:
  /// Reads the column at the cursor. kCorrupt: the bytes do not fit; kUnsupported: an unknown codec.
  static Result<Column> read(ByteCursor& cursor, std::size_t count, bool is_text);

  std::uint64_t value(std::size_t i) const noexcept { return values_.size() == 1 ? values_[0] : values_[i]; }
  std::string_view text(std::size_t i) const noexcept { return {texts_ + offsets_[i], offsets_[i + 1] - offsets_[i]}; }

 private:
  Status read_texts(std::span<const std::byte> bytes, std::size_t count);
  Status read_plain(ColumnCodec codec, std::span<const std::byte> bytes, std::size_t count);
  Status read_dictionary(std::span<const std::byte> bytes, std::size_t count);
  Status read_numbers(ColumnCodec codec, std::span<const std::byte> bytes, std::size_t count);

  std::vector<std::uint64_t> values_;  // One value for all rows if it is constant.
  std::vector<std::uint32_t> offsets_;
  const char* texts_ = nullptr;
};

}  // namespace wb
