// SegmentFile: SQLite's part of reading a segment. The file is hostile until its hashes have been checked.
#include "schema/journal/segment_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include "schema/limits.h"

namespace wb {
namespace {

// A statement of ours takes some steps a row, so their number is bounded by the file's size; a file made to keep
// SQLite busy is cut off.
constexpr std::uint64_t kStatementStepsMin = 100'000;
constexpr int kValueBytesMax = static_cast<int>(kBlockBytesMax) + (1 << 20);
constexpr std::uint64_t kBlockRowBytesMin = 24;  // Of the file, for each block that it may claim to have.
constexpr std::size_t kMetaRowsMax = 64;

// Reads `values.size()` integers from `column` on. False: another type stands there.
bool read_integers(const Statement& row, int column, std::span<std::uint64_t> values) {
  for (std::uint64_t& value : values) {
    if (row.column_type(column) != SQLITE_INTEGER) return false;
    value = static_cast<std::uint64_t>(row.column_int64(column++));
  }
  return true;
}

std::string block_name(std::uint64_t id) {
  return "block " + std::to_string(id);
}

}  // namespace

SegmentFile::SegmentFile(std::string path, std::uint64_t file_bytes, ShortPath short_path, Database database,
                         Decompressor decompressor)
    : path_(std::move(path)),
      file_bytes_(file_bytes),
      short_path_(std::move(short_path)),
      database_(std::move(database)),
      decompressor_(std::move(decompressor)) {}

Result<std::unique_ptr<SegmentFile>> SegmentFile::open(const std::string& path) {
  std::uint64_t file_bytes = 0;
  const Result<Descriptor> checked = open_regular(path, &file_bytes);
  if (!checked.ok()) return checked.status();
  if (file_bytes == 0) return Status(Code::kCorrupt, path + ": empty file");
  Result<ShortPath> short_path = ShortPath::of(path);
  if (!short_path.ok()) return short_path.status();
  Result<Database> database = Database::open(short_path.value().path, OpenMode::kImmutable);
  if (!database.ok()) return Status(database.status().code(), path + ": " + database.status().message());
  Result<Decompressor> decompressor = Decompressor::create();
  if (!decompressor.ok()) return decompressor.status();
  sqlite3* handle = database.value().handle();
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  const auto steps_max = static_cast<int>(std::min<std::uint64_t>(kStatementStepsMin + file_bytes, INT32_MAX));
  sqlite3_progress_handler(
      handle, steps_max, [](void*) { return 1; }, nullptr);
  std::unique_ptr<SegmentFile> file(new SegmentFile(path, file_bytes, std::move(short_path).value(),
                                                    std::move(database).value(), std::move(decompressor).value()));
  Status status = file->check_head();
  if (status.ok()) status = file->check_tables();
  if (status.ok()) status = file->load_meta();
  if (status.ok()) status = file->check_meta();
  if (!status.ok()) return status;
  file->seal_status_ = file->load_seal();
  if (!file->seal_status_.ok()) file->count_blocks();
  return file;
}

Status SegmentFile::at(const Status& status, const std::string& place) const {
  // A statement that was cut off met a file that no writer of ours made.
  const Code code = status.code() == Code::kTimeout ? Code::kCorrupt : status.code();
  return {code, path_ + ": " + place + ": " + status.message()};
}

Result<std::uint64_t> SegmentFile::pragma(std::string_view sql) const {
  Result<Statement> statement = database_.prepare(sql);
  if (!statement.ok()) return at(statement.status(), "head");
  const Result<bool> row = statement.value().step();
  if (!row.ok()) return at(row.status(), "head");
  return row.value() ? static_cast<std::uint64_t>(statement.value().column_int64(0)) : 0;
}

Status SegmentFile::check_head() const {
  const Result<std::uint64_t> application = pragma("PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (application.value() != kSegmentApplicationId) return corrupt("not a segment (application id)");
  const Result<std::uint64_t> version = pragma("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (version.value() <= kFormatVersion) return {};
  return {Code::kUnsupported, path_ + ": segment format version " + std::to_string(version.value())};
}

Status SegmentFile::size_status() const {
  const Result<std::uint64_t> page_bytes = pragma("PRAGMA page_size");
  const Result<std::uint64_t> page_count = pragma("PRAGMA page_count");
  if (!page_bytes.ok()) return page_bytes.status();
  if (!page_count.ok()) return page_count.status();
  return page_bytes.value() * page_count.value() == file_bytes_ ? Status() : corrupt("size of the file");
}

Status SegmentFile::check_tables() const {
  // Indexes that a table brings along have no text; whatever else is there does, and is refused.
  Result<Statement> statement = database_.prepare("SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY rowid");
  if (!statement.ok()) return at(statement.status(), "tables");
  const Statement& row = statement.value();
  for (const SegmentTable& table : segment_tables()) {
    const Result<bool> found = statement.value().step();
    if (!found.ok()) return at(found.status(), "tables");
    if (!found.value() || row.column_text(0) != "table" || row.column_text(1) != table.name ||
        row.column_text(2) != table.name || row.column_text(3) != table.sql) {
      return corrupt("the tables are not those of a segment");
    }
  }
  const Result<bool> more = statement.value().step();
  if (!more.ok()) return at(more.status(), "tables");
  return more.value() ? corrupt("there is more than the tables of a segment") : Status();
}

Status SegmentFile::load_meta() {
  Result<Statement> statement = database_.prepare("SELECT key,value,hash FROM meta ORDER BY key");
  if (!statement.ok()) return at(statement.status(), "meta");
  const Statement& row = statement.value();
  bool has_journal = false;
  for (;;) {
    const Result<bool> more = statement.value().step();
    if (!more.ok()) return at(more.status(), "meta");
    if (!more.value()) break;
    MetaRow meta{.key = std::string(row.column_text(0))};
    if (meta_.size() == kMetaRowsMax || !read_integers(row, 2, {&meta.hash, 1})) return corrupt("meta row");
    if (meta.key == kMetaJournal) {
      const auto uuid = row.column_blob(1);
      Uuid& journal = seal_.info.journal;
      if (row.column_type(1) != SQLITE_BLOB || uuid.size() != journal.bytes.size()) return corrupt("meta journal");
      std::copy(uuid.begin(), uuid.end(), journal.bytes.begin());
      salt_ = journal.salt();
      has_journal = true;
    } else if (!read_integers(row, 1, {&meta.number, 1})) {
      return corrupt("meta " + meta.key);
    }
    meta_.push_back(std::move(meta));
  }
  return has_journal ? Status() : corrupt("meta journal is missing");
}

Status SegmentFile::check_meta() {
  for (const MetaRow& meta : meta_) {
    RowHash hash(salt_, "meta");
    hash.text(meta.key);
    if (meta.key == kMetaJournal) {
      hash.blob(seal_.info.journal.bytes);
    } else {
      hash.integer(meta.number);
    }
    if (meta.hash != hash.value()) return corrupt("meta " + meta.key + ": hash");
    meta_hashes_.push_back(hash.value());
  }
  const auto number = [&](std::string_view key) -> std::optional<std::uint64_t> {
    for (const MetaRow& meta : meta_) {
      if (meta.key == key) return meta.number;
    }
    return std::nullopt;
  };
  const auto version = number(kMetaVersion);
  const auto incompatible = number(kMetaIncompatible);
  const auto file_number = number(kMetaNumber);
  if (!version || !incompatible || !file_number || !number(kMetaCompatible)) return corrupt("meta is not complete");
  if (*version > kFormatVersion) {
    return {Code::kUnsupported, path_ + ": segment format version " + std::to_string(*version)};
  }
  if (*incompatible != 0) return {Code::kUnsupported, path_ + ": segment has an unknown incompatible feature"};
  if (*file_number > kFileNumberMax) return corrupt("meta number");
  seal_.info.number = static_cast<std::uint32_t>(*file_number);
  return {};
}

Status SegmentFile::load_seal() {
  Result<Statement> statement = database_.prepare(
      "SELECT blocks,records,keys,gaps,first,last,first_keeper,last_keeper,content,hash FROM seal WHERE id=1");
  if (!statement.ok()) return at(statement.status(), "seal");
  const Result<bool> found = statement.value().step();
  if (!found.ok()) return at(found.status(), "seal");
  std::array<std::uint64_t, 10> values;
  if (!found.value() || !read_integers(statement.value(), 0, values)) return corrupt("no seal");
  SegmentSeal seal = seal_;
  SegmentInfo& info = seal.info;
  info.block_count = values[0];
  info.record_count = values[1];
  seal.key_count = values[2];
  seal.gap_count = values[3];
  info.first_sequence = values[4];
  info.last_sequence = values[5];
  info.first_keeper_sequence = values[6];
  info.last_keeper_sequence = values[7];
  seal.content = static_cast<std::uint32_t>(values[8]);
  if (values[8] > UINT32_MAX || values[9] != seal_row_hash(salt_, seal)) return corrupt("seal: hash");
  if (info.block_count > file_bytes_ / kBlockRowBytesMin) return corrupt("seal: block count");
  seal_ = seal;
  return {};
}

// The seal alone is damaged: what the blocks say is still worth reading, and is reported with the seal.
void SegmentFile::count_blocks() {
  SegmentInfo& info = seal_.info;
  const auto widen = [](std::uint64_t& first, std::uint64_t& last, std::uint64_t from, std::uint64_t to) {
    if (from == 0) return;
    first = first == 0 ? from : std::min(first, from);
    last = std::max(last, to);
  };
  for (const BlockRow& row : block_rows().rows) {
    widen(info.first_sequence, info.last_sequence, row.info.first_sequence, row.info.last_sequence);
    widen(info.first_keeper_sequence, info.last_keeper_sequence, row.info.first_keeper_sequence,
          row.info.last_keeper_sequence);
    info.record_count += row.info.record_count;
    info.block_count = std::max(info.block_count, row.id);
  }
}

TableRows<std::uint32_t> SegmentFile::key_hashes() const {
  TableRows<std::uint32_t> table;
  Result<Statement> statement = database_.prepare("SELECT id,hash,name FROM keys ORDER BY id");
  if (!statement.ok()) return {{}, at(statement.status(), "keys")};
  const Statement& row = statement.value();
  for (;;) {
    const Result<bool> more = statement.value().step();
    if (!more.ok()) table.status = at(more.status(), "keys");
    if (!more.ok() || !more.value()) break;
    std::array<std::uint64_t, 2> numbers;
    const bool fits = read_integers(row, 0, numbers) && row.column_type(2) == SQLITE_BLOB;
    if (!fits || numbers[1] != key_row_hash(salt_, numbers[0], row.column_blob(2))) {
      table.status = corrupt("keys: hash");
      break;
    }
    table.rows.push_back(static_cast<std::uint32_t>(numbers[1]));
  }
  if (table.status.ok() && seal_status_.ok() && table.rows.size() != seal_.key_count) {
    table.status = corrupt("keys are missing");
  }
  return table;
}

TableRows<SegmentGap> SegmentFile::gaps() const {
  TableRows<SegmentGap> table;
  Result<Statement> statement = database_.prepare("SELECT id,source,first,last,hash FROM gaps ORDER BY id");
  if (!statement.ok()) return {{}, at(statement.status(), "gaps")};
  for (;;) {
    const Result<bool> more = statement.value().step();
    if (!more.ok()) table.status = at(more.status(), "gaps");
    if (!more.ok() || !more.value()) break;
    std::array<std::uint64_t, 5> numbers;
    const bool fits = read_integers(statement.value(), 0, numbers) && numbers[0] == table.rows.size() + 1 &&
                      numbers[1] <= static_cast<std::uint64_t>(Source::kKeeper);
    const SegmentGap gap{static_cast<Source>(numbers[1]), {numbers[2], numbers[3]}};
    if (!fits || numbers[4] != gap_row_hash(salt_, numbers[0], gap)) {
      table.status = corrupt("gaps: hash");
      break;
    }
    table.rows.push_back(gap);
  }
  if (table.status.ok() && seal_status_.ok() && table.rows.size() != seal_.gap_count) {
    table.status = corrupt("gaps are missing");
  }
  return table;
}

TableRows<BlockRow> SegmentFile::block_rows() const {
  TableRows<BlockRow> table;
  Result<Statement> statement = database_.prepare(
      "SELECT kind,records,first_ordinal,last_ordinal,first,last,first_keeper,last_keeper,raw_bytes,hash"
      " FROM blocks WHERE id=?");
  if (!statement.ok()) return {{}, at(statement.status(), "blocks")};
  const auto note = [&table](const Status& status) {
    if (table.status.ok()) table.status = status;
  };
  // Each block is looked up by itself, so that a damaged page costs only the blocks below it.
  const std::uint64_t id_max = seal_status_.ok() ? seal_.info.block_count : file_bytes_ / kBlockRowBytesMin;
  for (std::uint64_t id = 1; id <= id_max; ++id) {
    statement.value().reset();
    const Status bound = statement.value().bind(1, static_cast<std::int64_t>(id));
    const Result<bool> found = bound.ok() ? statement.value().step() : Result<bool>(bound);
    if (!found.ok()) {
      note(at(found.status(), block_name(id)));
      continue;
    }
    if (!found.value()) {
      if (!seal_status_.ok()) break;
      note(corrupt(block_name(id) + " is missing"));
      continue;
    }
    std::array<std::uint64_t, 10> values;
    if (!read_integers(statement.value(), 0, values) || values[0] > UINT8_MAX) {
      note(corrupt(block_name(id) + ": row"));
      continue;
    }
    table.rows.push_back({.id = id,
                          .hash = values[9],
                          .info = {.kind = static_cast<BlockKind>(values[0]),
                                   .record_count = values[1],
                                   .first_ordinal = values[2],
                                   .last_ordinal = values[3],
                                   .first_sequence = values[4],
                                   .last_sequence = values[5],
                                   .first_keeper_sequence = values[6],
                                   .last_keeper_sequence = values[7],
                                   .raw_bytes = values[8]}});
  }
  return table;
}

Result<std::unique_ptr<BlockReader>> SegmentFile::open_block(const BlockRow& row) {
  const std::string place = block_name(row.id);
  Result<Statement> statement = database_.prepare("SELECT data FROM blocks WHERE id=?");
  if (!statement.ok()) return at(statement.status(), place);
  const Status bound = statement.value().bind(1, static_cast<std::int64_t>(row.id));
  if (!bound.ok()) return at(bound, place);
  const Result<bool> found = statement.value().step();
  if (!found.ok()) return at(found.status(), place);
  if (!found.value() || statement.value().column_type(0) != SQLITE_BLOB) return corrupt(place + ": no data");
  const auto data = statement.value().column_blob(0);
#ifndef WB_MUTANT_SKIP_ROW_HASH
  if (row.hash != block_row_hash(salt_, row.id, row.info, data)) return corrupt(place + ": hash");
#endif
  if (row.info.raw_bytes > kBlockBytesMax) return corrupt(place + ": larger than a block may be");
  Result<std::vector<std::byte>> raw = decompressor_.decompress(data, row.info.raw_bytes);
  if (!raw.ok()) return at(raw.status(), place);
  Result<std::unique_ptr<BlockReader>> reader = BlockReader::open(row.info, std::move(raw).value());
  if (!reader.ok()) return at(reader.status(), place);
  return reader;
}

}  // namespace wb
