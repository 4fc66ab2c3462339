// The tables of a segment as text and the canonical bytes under the hashes of their rows.
#include "schema/journal/segment_tables.h"

#include <array>

#include "schema/bytes.h"
#include "schema/crc32c.h"

namespace wb {
namespace {

constexpr std::array<SegmentTable, 5> kTables{{
    {"meta", "CREATE TABLE meta(key TEXT PRIMARY KEY,value,hash INTEGER)WITHOUT ROWID"},
    {"keys", "CREATE TABLE keys(id INTEGER PRIMARY KEY,name BLOB,hash INTEGER)"},
    {"gaps", "CREATE TABLE gaps(id INTEGER PRIMARY KEY,source INTEGER,first INTEGER,last INTEGER,hash INTEGER)"},
    {"blocks",
     "CREATE TABLE blocks(id INTEGER PRIMARY KEY,kind INTEGER,records INTEGER,first_ordinal INTEGER,"
     "last_ordinal INTEGER,first INTEGER,last INTEGER,first_keeper INTEGER,last_keeper INTEGER,raw_bytes INTEGER,"
     "hash INTEGER,data BLOB)"},
    {"seal",
     "CREATE TABLE seal(id INTEGER PRIMARY KEY,blocks INTEGER,records INTEGER,keys INTEGER,gaps INTEGER,"
     "first INTEGER,last INTEGER,first_keeper INTEGER,last_keeper INTEGER,content INTEGER,hash INTEGER)"},
}};

}  // namespace

std::span<const SegmentTable> segment_tables() noexcept {
  return kTables;
}

std::vector<SegmentGap> segment_gaps(const SequenceSet& trainer, const SequenceSet& keeper) {
  std::vector<SegmentGap> gaps;
  for (const SequenceRange& range : trainer.gaps()) gaps.push_back({Source::kTrainer, range});
  for (const SequenceRange& range : keeper.gaps()) gaps.push_back({Source::kKeeper, range});
  return gaps;
}

RowHash::RowHash(std::uint32_t salt, std::string_view table) noexcept : crc_(salt) {
  text(table);
}

void RowHash::add(char type, std::uint64_t number, std::span<const std::byte> bytes) noexcept {
  std::array<std::byte, 9> head;
  head[0] = static_cast<std::byte>(type);
  store_le(head.data() + 1, number);
  crc_ = crc32c(crc32c(crc_, head), bytes);
}

RowHash& RowHash::integer(std::uint64_t value) noexcept {
  add('i', value, {});
  return *this;
}

RowHash& RowHash::text(std::string_view value) noexcept {
  add('t', value.size(), as_bytes(value));
  return *this;
}

RowHash& RowHash::blob(std::span<const std::byte> value) noexcept {
  add('b', value.size(), value);
  return *this;
}

std::uint32_t key_row_hash(std::uint32_t salt, std::uint64_t id, std::span<const std::byte> name) noexcept {
  return RowHash(salt, "keys").integer(id).blob(name).value();
}

std::uint32_t gap_row_hash(std::uint32_t salt, std::uint64_t id, const SegmentGap& gap) noexcept {
  return RowHash(salt, "gaps")
      .integer(id)
      .integer(static_cast<std::uint64_t>(gap.source))
      .integer(gap.range.first)
      .integer(gap.range.last)
      .value();
}

std::uint32_t block_row_hash(std::uint32_t salt, std::uint64_t id, const BlockInfo& block,
                             std::span<const std::byte> data) noexcept {
  return RowHash(salt, "blocks")
      .integer(id)
      .integer(static_cast<std::uint64_t>(block.kind))
      .integer(block.record_count)
      .integer(block.first_ordinal)
      .integer(block.last_ordinal)
      .integer(block.first_sequence)
      .integer(block.last_sequence)
      .integer(block.first_keeper_sequence)
      .integer(block.last_keeper_sequence)
      .integer(block.raw_bytes)
      .blob(data)
      .value();
}

std::uint32_t seal_row_hash(std::uint32_t salt, const SegmentSeal& seal) noexcept {
  return RowHash(salt, "seal")
      .integer(1)
      .integer(seal.info.block_count)
      .integer(seal.info.record_count)
      .integer(seal.key_count)
      .integer(seal.gap_count)
      .integer(seal.info.first_sequence)
      .integer(seal.info.last_sequence)
      .integer(seal.info.first_keeper_sequence)
      .integer(seal.info.last_keeper_sequence)
      .integer(seal.content)
      .value();
}

void ContentHash::add(std::uint32_t row_hash) noexcept {
  std::array<std::byte, 4> bytes;
  store_le(bytes.data(), row_hash);
  crc_ = crc32c(crc_, bytes);
}

}  // namespace wb
