// Row assembler: the rule that makes rows out of parts.
#include "sync/row.h"

#include <utility>

namespace wb {

void RowAssembler::add(const RowView& part, std::uint8_t flags, std::uint64_t sequence, const Sink& sink) {
  const bool joins = has_row_ && row_.step == part.step();
  if (has_row_ && !joins) sink(std::exchange(row_, Row{}));
  if (!joins) {
    row_ = Row{};
    row_.step = part.step();
    row_.first_sequence = sequence;
    has_row_ = true;
    ++row_number_;
  }
  row_.time = part.time();
  row_.last_sequence = sequence;
  row_.out_of_order |= (flags & kRowOutOfOrder) != 0;
  join(part);
  if ((flags & kRowCommit) == 0) return;
  has_row_ = false;
  sink(std::exchange(row_, Row{}));
}

void RowAssembler::join(const RowView& part) {
  row_.cells.reserve(row_.cells.size() + part.size());
  for (std::size_t i = 0; i < part.size(); ++i) {
    const Value value = part.value(i);
    Cell cell{.key_index = part.key_index(i), .type = value.type(), .bits = value.bits()};
    if (value.is_text()) {
      cell.bits = row_.texts.size();
      cell.text_bytes = static_cast<std::uint32_t>(value.text().size());
      row_.texts += value.text();
    }
    Place& place = places_[cell.key_index];
    if (place.row_number == row_number_) {
      row_.cells[place.cell_index] = cell;
      continue;
    }
    place = {row_number_, static_cast<std::uint32_t>(row_.cells.size())};
    row_.cells.push_back(cell);
  }
}

std::optional<Row> RowAssembler::take_open() {
  if (!has_row_) return std::nullopt;
  has_row_ = false;
  row_.open = true;
  return std::exchange(row_, Row{});
}

}  // namespace wb
