// Row assembler: the rule that makes rows out of parts.
#include "sync/row.h"

namespace wb {

void RowAssembler::add(const RowView& part, std::uint8_t flags, std::uint64_t sequence, const Sink& sink) {
  if (has_row_ && row_.step != part.step()) give(sink);
  if (!has_row_) {
    row_ = {.step = part.step(), .first_sequence = sequence};
    cells_.clear();
    texts_.clear();
    has_row_ = true;
    ++row_number_;
  }
  row_.time = part.time();
  row_.last_sequence = sequence;
  row_.out_of_order |= (flags & kRowOutOfOrder) != 0;
  join(part);
  if ((flags & kRowCommit) != 0) give(sink);
}

void RowAssembler::join(const RowView& part) {
  for (std::size_t i = 0; i < part.size(); ++i) {
    const Value value = part.value(i);
    Cell cell{.key_word = part.key_word_at(i), .bits = value.bits()};
    if (value.is_text()) {
      cell.bits = texts_.size();
      cell.text_bytes = static_cast<std::uint32_t>(value.text().size());
      texts_ += value.text();
    }
    Place& place = places_[cell.key_index()];
    if (place.row_number == row_number_) {
      cells_[place.cell_index] = cell;
      continue;
    }
    place = {row_number_, static_cast<std::uint32_t>(cells_.size())};
    cells_.push_back(cell);
  }
}

void RowAssembler::give(const Sink& sink) {
  has_row_ = false;
  row_.cells = cells_;
  row_.texts = texts_;
  sink(row_);
}

void RowAssembler::take_open(const Sink& sink) {
  if (!has_row_) return;
  row_.open = true;
  give(sink);
}

}  // namespace wb
