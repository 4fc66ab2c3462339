// Row: one logged row of a journal, its parts joined.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/record.h"
#include "sync/key_table.h"

namespace wb {

/// A value of a row. Texts lie in the row's text area.
struct Cell {
  std::uint32_t key_word = 0;  ///< As in a row record: key index and type.
  std::uint32_t text_bytes = 0;
  std::uint64_t bits = 0;  ///< Scalar bits, or where the text starts.

  std::uint32_t key_index() const noexcept { return key_word & kKeyIndexMask; }
};

struct Row {
  std::int64_t step = 0;
  Timestamp time;                    ///< Of the last part.
  std::uint64_t first_sequence = 0;  ///< Trainer sequence numbers of its first and last part.
  std::uint64_t last_sequence = 0;
  bool out_of_order = false;
  bool open = false;            ///< Neither committed nor followed by another row: a later part may join it.
  std::span<const Cell> cells;  ///< Borrowed. One per key, in the order in which the keys came first.
  std::string_view texts;       ///< Borrowed.

  /// The cell's value; texts are borrowed as those of the row are.
  Value value(const Cell& cell) const noexcept {
    const auto type = static_cast<ValueType>(cell.key_word >> 28);
    if (type != ValueType::kString && type != ValueType::kJson) return Value::of(type, cell.bits);
    const std::string_view text = texts.substr(cell.bits, cell.text_bytes);
    return type == ValueType::kJson ? Value::json(text) : Value(text);
  }
};

/// The wire's `_step` of a row: its own where that still rises, else one more than the last. At the end of the
/// numbers it stays there.
constexpr std::int64_t next_wire_step(std::int64_t last, std::int64_t own) noexcept {
  return own > last || last == INT64_MAX ? std::max(own, last) : last + 1;
}

/// Joins row records into rows: consecutive row records with one step are one row, up to and with the first that
/// commits. Other records between them change nothing. A later value of a key replaces an earlier one.
class RowAssembler {
 public:
  /// Gets each row once it is complete, in order. What the row borrows is the assembler's and is valid for the call.
  using Sink = std::function<void(const Row&)>;

  void add(const RowView& part, std::uint8_t flags, std::uint64_t sequence, const Sink& sink);

  /// Gives the row that is still open, marked so, if there is one. The assembler is then empty.
  void take_open(const Sink& sink);

 private:
  struct Place {
    std::uint64_t row_number = 0;  // Which row the cell index belongs to; rows count from 1.
    std::uint32_t cell_index = 0;
  };
  void join(const RowView& part);
  void give(const Sink& sink);

  Row row_;
  std::vector<Cell> cells_;
  std::string texts_;
  bool has_row_ = false;
  std::uint64_t row_number_ = 0;
  KeyIndexMap<Place> places_;
};

}  // namespace wb
