// Row: one logged row of a journal, its parts joined.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "schema/record.h"
#include "sync/key_table.h"

namespace wb {

/// A value of a row. Texts lie in the row's own text area.
struct Cell {
  std::uint32_t key_index = 0;
  ValueType type = ValueType::kNull;
  std::uint64_t bits = 0;  ///< Scalar bits, or where the text starts.
  std::uint32_t text_bytes = 0;
};

struct Row {
  std::int64_t step = 0;
  Timestamp time;                    ///< Of the last part.
  std::uint64_t first_sequence = 0;  ///< Trainer sequence numbers of its first and last part.
  std::uint64_t last_sequence = 0;
  bool out_of_order = false;
  bool open = false;        ///< Neither committed nor followed by another row: a later part may join it.
  std::vector<Cell> cells;  ///< One per key, in the order in which the keys came first.
  std::string texts;

  /// The cell's value; texts are borrowed from the row.
  Value value(const Cell& cell) const noexcept {
    if (cell.type != ValueType::kString && cell.type != ValueType::kJson) return Value::of(cell.type, cell.bits);
    const std::string_view text(texts.data() + cell.bits, cell.text_bytes);
    return cell.type == ValueType::kJson ? Value::json(text) : Value(text);
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
  using Sink = std::function<void(Row&&)>;  ///< Gets each row once it is complete, in order.

  void add(const RowView& part, std::uint8_t flags, std::uint64_t sequence, const Sink& sink);

  /// The row that is still open, marked so; nothing if there is none. The assembler is then empty.
  std::optional<Row> take_open();

 private:
  struct Place {
    std::uint64_t row_number = 0;  // Which row the cell index belongs to; rows count from 1.
    std::uint32_t cell_index = 0;
  };
  void join(const RowView& part);

  Row row_;
  bool has_row_ = false;
  std::uint64_t row_number_ = 0;
  KeyIndexMap<Place> places_;
};

}  // namespace wb
