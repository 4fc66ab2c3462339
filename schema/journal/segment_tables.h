// The tables of a segment and the hashes of their rows, shared by the segment's writer and reader.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/journal/block.h"
#include "schema/journal/segment.h"
#include "schema/journal/sequence_set.h"

namespace wb {

inline constexpr std::int32_t kSegmentApplicationId = 0x77626A30;  // "wbj0"

struct SegmentTable {
  std::string_view name;
  std::string_view sql;  ///< As in segment.sql and in sqlite_schema, without semicolon.
};
/// In the order of segment.sql.
std::span<const SegmentTable> segment_tables() noexcept;

// Names in `meta`.
inline constexpr std::string_view kMetaVersion = "format_version";
inline constexpr std::string_view kMetaCompatible = "compatible_flags";
inline constexpr std::string_view kMetaIncompatible = "incompatible_flags";
inline constexpr std::string_view kMetaJournal = "journal";
inline constexpr std::string_view kMetaNumber = "number";

/// Sequence numbers of one source that no record has.
struct SegmentGap {
  Source source = Source::kTrainer;
  SequenceRange range;

  friend bool operator==(const SegmentGap&, const SegmentGap&) = default;
};
/// The gaps of both sources in the order of the table: the trainer's first.
std::vector<SegmentGap> segment_gaps(const SequenceSet& trainer, const SequenceSet& keeper);

/// CRC32C over a row's columns in their order in the table, `hash` left out, in a form that tells types and lengths
/// apart, seeded with the journal's salt: first the table's name, then the columns.
class RowHash {
 public:
  RowHash(std::uint32_t salt, std::string_view table) noexcept;
  RowHash& integer(std::uint64_t value) noexcept;
  RowHash& text(std::string_view value) noexcept;
  RowHash& blob(std::span<const std::byte> value) noexcept;
  std::uint32_t value() const noexcept { return crc_; }

 private:
  void add(char type, std::uint64_t number, std::span<const std::byte> bytes) noexcept;
  std::uint32_t crc_;
};

std::uint32_t key_row_hash(std::uint32_t salt, std::uint64_t id, std::span<const std::byte> name) noexcept;
std::uint32_t gap_row_hash(std::uint32_t salt, std::uint64_t id, const SegmentGap& gap) noexcept;
std::uint32_t block_row_hash(std::uint32_t salt, std::uint64_t id, const BlockInfo& block,
                             std::span<const std::byte> data) noexcept;

/// The one row of `seal`.
struct SegmentSeal {
  SegmentInfo info;  ///< Counts and ranges.
  std::uint64_t key_count = 0;
  std::uint64_t gap_count = 0;
  std::uint32_t content = 0;  ///< ContentHash over all rows of the other tables.
};
std::uint32_t seal_row_hash(std::uint32_t salt, const SegmentSeal& seal) noexcept;

/// Chains the row hashes in the order meta (by key), keys, gaps, blocks (by id): no row can be lost or exchanged.
class ContentHash {
 public:
  explicit ContentHash(std::uint32_t salt) noexcept : crc_(salt) {}
  void add(std::uint32_t row_hash) noexcept;
  std::uint32_t value() const noexcept { return crc_; }

 private:
  std::uint32_t crc_;
};

}  // namespace wb
