// The six columns that every row of a block has, written and read.
#include "schema/journal/row_heads.h"

namespace wb {
namespace {

constexpr std::size_t kHeadColumns = 6;  // ordinal, sequence - ordinal, flags, step, mono_ns, wall_offset_us

}  // namespace

void RowHeads::append(RawBlock& to, std::span<const PlacedFrame> rows) {
  std::vector<std::uint64_t> values(rows.size());
  append_field(to, values, rows, false, [](const PlacedFrame& row) { return row.ordinal; });
  append_field(to, values, rows, false, [](const PlacedFrame& row) { return row.frame.sequence - row.ordinal; });
  append_field(to, values, rows, false, [](const PlacedFrame& row) { return row.frame.flags; });
  append_field(to, values, rows, false, [](const PlacedFrame& row) { return row_word(row, 0); });
  append_field(to, values, rows, false, [](const PlacedFrame& row) { return row_word(row, 8); });
  append_field(to, values, rows, false, [](const PlacedFrame& row) { return row_word(row, 16); });
}

Result<RowHeads> RowHeads::read(ByteCursor& cursor, std::size_t row_count) {
  RowHeads heads;
  heads.row_count_ = row_count;
  for (std::size_t i = 0; i < kHeadColumns; ++i) {
    Result<Column> column = Column::read(cursor, row_count, false);
    if (!column.ok()) return column.status();
    heads.columns_.push_back(std::move(column).value());
  }
  return heads;
}

Status RowHeads::check(const BlockInfo& info) const {
  for (std::size_t i = 0; i < row_count_; ++i) {
    if (i > 0 && ordinal(i) <= ordinal(i - 1)) return {Code::kCorrupt, "order of the rows"};
    if (sequence(i) <= (i > 0 ? sequence(i - 1) : 0)) return {Code::kCorrupt, "sequence numbers of the rows"};
    if (columns_[2].value(i) >= kFlagKeeper) return {Code::kCorrupt, "flags of a row"};
  }
  if (info.record_count != row_count_ || info.first_ordinal != ordinal(0) ||
      info.last_ordinal != ordinal(row_count_ - 1) || info.first_sequence != sequence(0) ||
      info.last_sequence != sequence(row_count_ - 1) || info.first_keeper_sequence != 0 ||
      info.last_keeper_sequence != 0) {
    return {Code::kCorrupt, "the rows are others than the table says"};
  }
  return {};
}

Frame RowHeads::frame(std::size_t i, std::span<const std::byte> payload) const noexcept {
  return {.kind = Kind::kRow,
          .flags = static_cast<std::uint8_t>(columns_[2].value(i)),
          .source = Source::kTrainer,
          .sequence = sequence(i),
          .payload = payload};
}

}  // namespace wb
