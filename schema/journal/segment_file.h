// The file of a segment, opened and read row by row, each row checked against its hash.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schema/journal/block.h"
#include "schema/journal/compression.h"
#include "schema/journal/file.h"
#include "schema/journal/segment_tables.h"
#include "schema/journal/sqlite.h"

namespace wb {

/// A row of `blocks` without its data; to be believed only once open_block() has checked data and hash.
struct BlockRow {
  std::uint64_t id = 0;
  std::uint64_t hash = 0;
  BlockInfo info;
};

/// What a table's rows are, and the first thing that is wrong with it. Rows that verify are there in any case.
template <typename T>
struct TableRows {
  std::vector<T> rows;
  Status status;
};

/// Belongs to one thread. Every message names the file.
class SegmentFile {
 public:
  /// Checks version, tables and `meta`. kCorrupt, kUnsupported, kNotFound, kPermission, kIoError.
  static Result<std::unique_ptr<SegmentFile>> open(const std::string& path);

  /// As sealed, or counted from the rows of `blocks` if the seal is damaged.
  const SegmentSeal& seal() const noexcept { return seal_; }
  /// Not ok: the seal is damaged, and nothing tells whether rows are missing.
  const Status& seal_status() const noexcept { return seal_status_; }
  /// kCorrupt: the file is not as long as its pages; all rows may still be there.
  Status size_status() const;
  std::uint32_t salt() const noexcept { return salt_; }
  /// Of the rows of `meta`, by key.
  const std::vector<std::uint32_t>& meta_hashes() const noexcept { return meta_hashes_; }

  TableRows<std::uint32_t> key_hashes() const;
  TableRows<SegmentGap> gaps() const;
  TableRows<BlockRow> block_rows() const;
  /// Reads, checks and decodes one block.
  Result<std::unique_ptr<BlockReader>> open_block(const BlockRow& row);

  Status corrupt(const std::string& what) const { return {Code::kCorrupt, path_ + ": " + what}; }

 private:
  SegmentFile(std::string path, std::uint64_t file_bytes, ShortPath short_path, Database database,
              Decompressor decompressor);
  Status at(const Status& status, const std::string& place) const;
  Result<std::uint64_t> pragma(std::string_view sql) const;
  Status check_head() const;
  Status check_tables() const;
  Status load_meta();
  Status check_meta();
  Status load_seal();
  void count_blocks();

  struct MetaRow {
    std::string key;
    std::uint64_t number = 0;
    std::uint64_t hash = 0;
  };

  std::string path_;
  std::uint64_t file_bytes_;
  ShortPath short_path_;
  Database database_;
  Decompressor decompressor_;
  std::uint32_t salt_ = 0;
  std::vector<MetaRow> meta_;
  std::vector<std::uint32_t> meta_hashes_;
  SegmentSeal seal_;
  Status seal_status_;
};

}  // namespace wb
