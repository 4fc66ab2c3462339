// SegmentReader: opens a sealed file that cannot be trusted and gives its records back in their order.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <queue>

#include "schema/bytes.h"
#include "schema/journal/block.h"
#include "schema/journal/compression.h"
#include "schema/journal/file.h"
#include "schema/journal/segment.h"
#include "schema/journal/segment_tables.h"
#include "schema/journal/sqlite.h"

namespace wb {
namespace {

// A statement of ours takes some steps a row, so their number is bounded by the file's size; a file made to keep
// SQLite busy is cut off.
constexpr std::uint64_t kStatementStepsMin = 100'000;
constexpr int kValueBytesMax = static_cast<int>(kBlockBytesMax) + (1 << 20);
constexpr std::uint64_t kOpenBytesMax = kBlockBytesMax;  // Raw bytes of all blocks that are open at a time.
constexpr std::uint64_t kBlockRowBytesMin = 24;          // Of the file, for each block that it may claim to have.

// Reads `values.size()` integers from `column` on. False: another type stands there.
bool read_integers(const Statement& row, int column, std::span<std::uint64_t> values) {
  for (std::uint64_t& value : values) {
    if (row.column_type(column) != SQLITE_INTEGER) return false;
    value = static_cast<std::uint64_t>(row.column_int64(column++));
  }
  return true;
}

/// A row of `blocks` without its data; believed only once the data are there and the hash is right.
struct BlockRow {
  std::uint64_t id = 0;
  std::uint64_t hash = 0;
  BlockInfo info;
};

/// A block being read.
struct OpenBlock {
  std::unique_ptr<BlockReader> reader;
  std::size_t next = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t ordinal() const noexcept { return reader->ordinal(next); }
};

struct LaterOrdinal {
  bool operator()(const OpenBlock& a, const OpenBlock& b) const noexcept { return a.ordinal() > b.ordinal(); }
};

class Reader final : public SegmentReader {
 public:
  Reader(std::string path, ShortPath short_path, std::uint64_t file_bytes, Database database, Decompressor decompressor)
      : path_(std::move(path)),
        short_path_(std::move(short_path)),
        file_bytes_(file_bytes),
        database_(std::move(database)),
        decompressor_(std::move(decompressor)) {}

  Status load();
  const SegmentInfo& info() const override { return seal_.info; }
  Status read(std::uint64_t after_sequence, const RecordVisitor& visit) override;
  Status verify() override {
    return read(0, [](const Frame&) { return true; });
  }

 private:
  Status at(const Status& status, const std::string& place) const;
  Status corrupt(const std::string& what) const { return {Code::kCorrupt, path_ + ": " + what}; }
  void note(const Status& status) {
    if (damage_.ok() && !status.ok()) damage_ = status;
  }

  Result<std::uint64_t> pragma(std::string_view sql);
  Status check_schema();
  Status load_meta();
  Status check_meta(const std::map<std::string, std::uint64_t>& numbers, bool has_journal);
  Status load_seal();
  Status load_keys();
  Status load_gaps();
  std::vector<BlockRow> load_block_rows();
  Result<OpenBlock> open_block(const BlockRow& row);

  bool is_gap(const Frame& frame, std::uint64_t last) const;
  void check_order(const Frame& frame, std::uint64_t ordinal);

  std::string path_;
  ShortPath short_path_;
  std::uint64_t file_bytes_;
  Database database_;
  Decompressor decompressor_;
  std::uint32_t salt_ = 0;
  SegmentSeal seal_;
  Status seal_status_;  // Not ok: the seal is damaged, seal_.info counts what is there.
  std::vector<std::uint32_t> meta_hashes_;

  // Of one reading.
  Status damage_;
  std::optional<ContentHash> content_;
  std::vector<SegmentGap> gaps_;
  std::uint64_t record_count_ = 0;
  std::uint64_t last_sequence_[2] = {0, 0};
};

Status Reader::at(const Status& status, const std::string& place) const {
  // A statement that was cut off met a file that no writer of ours made.
  const Code code = status.code() == Code::kTimeout ? Code::kCorrupt : status.code();
  return {code, path_ + ": " + place + ": " + status.message()};
}

Result<std::uint64_t> Reader::pragma(std::string_view sql) {
  Result<Statement> statement = database_.prepare(sql);
  if (!statement.ok()) return at(statement.status(), "head");
  const Result<bool> row = statement.value().step();
  if (!row.ok()) return at(row.status(), "head");
  return row.value() ? static_cast<std::uint64_t>(statement.value().column_int64(0)) : 0;
}

Status Reader::check_schema() {
  const Result<std::uint64_t> application = pragma("PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (application.value() != kSegmentApplicationId) return corrupt("no segment (application id)");
  const Result<std::uint64_t> version = pragma("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (version.value() > kFormatVersion) {
    return {Code::kUnsupported, path_ + ": segment format version " + std::to_string(version.value())};
  }
  Result<Statement> statement =
      database_.prepare("SELECT type,name,tbl_name,sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
  if (!statement.ok()) return at(statement.status(), "schema");
  for (const SegmentTable& table : segment_tables()) {
    const Result<bool> row = statement.value().step();
    if (!row.ok()) return at(row.status(), "schema");
    if (!row.value() || statement.value().column_text(0) != "table" || statement.value().column_text(1) != table.name ||
        statement.value().column_text(2) != table.name || statement.value().column_text(3) != table.sql) {
      return corrupt("the tables are not those of a segment");
    }
  }
  const Result<bool> more = statement.value().step();
  if (!more.ok()) return at(more.status(), "schema");
  return more.value() ? corrupt("there are more tables than in a segment") : Status();
}

Status Reader::load_meta() {
  Result<Statement> statement = database_.prepare("SELECT key,value,hash FROM meta ORDER BY key");
  if (!statement.ok()) return at(statement.status(), "meta");
  const Statement& row = statement.value();
  std::map<std::string, std::uint64_t> numbers;
  std::vector<std::pair<std::string, std::uint64_t>> stored;
  bool has_journal = false;
  for (int count = 0;; ++count) {
    const Result<bool> more = statement.value().step();
    if (!more.ok()) return at(more.status(), "meta");
    if (!more.value()) break;
    std::uint64_t hash = 0;
    if (count > 100 || !read_integers(row, 2, {&hash, 1})) return corrupt("meta row");
    const std::string key(row.column_text(0));
    stored.emplace_back(key, hash);
    if (key == kMetaJournal) {
      Uuid& journal = seal_.info.journal;
      const auto uuid = row.column_blob(1);
      if (row.column_type(1) != SQLITE_BLOB || uuid.size() != journal.bytes.size()) return corrupt("meta journal");
      std::copy(uuid.begin(), uuid.end(), journal.bytes.begin());
      salt_ = journal.salt();
      has_journal = true;
    } else if (row.column_type(1) == SQLITE_INTEGER) {
      numbers[key] = static_cast<std::uint64_t>(row.column_int64(1));
    } else {
      return corrupt("meta value");
    }
  }
  for (const auto& [key, hash] : stored) {
    RowHash expected(salt_, "meta");
    expected.text(key);
    key == kMetaJournal ? expected.blob(seal_.info.journal.bytes) : expected.integer(numbers[key]);
    if (hash != expected.value()) return corrupt("meta " + key + ": hash");
    meta_hashes_.push_back(expected.value());
  }
  return check_meta(numbers, has_journal);
}

Status Reader::check_meta(const std::map<std::string, std::uint64_t>& numbers, bool has_journal) {
  const auto number = [&](std::string_view key) -> std::optional<std::uint64_t> {
    const auto found = numbers.find(std::string(key));
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
  };
  const auto version = number(kMetaVersion);
  const auto incompatible = number(kMetaIncompatible);
  const auto file_number = number(kMetaNumber);
  if (!has_journal || !version || !incompatible || !file_number || !number(kMetaCompatible)) {
    return corrupt("meta is not complete");
  }
  if (*version > kFormatVersion) {
    return {Code::kUnsupported, path_ + ": segment format version " + std::to_string(*version)};
  }
  if (*incompatible != 0) return {Code::kUnsupported, path_ + ": segment has an unknown incompatible feature"};
  if (*file_number > kFileNumberMax) return corrupt("meta number");
  seal_.info.number = static_cast<std::uint32_t>(*file_number);
  return {};
}

Status Reader::load_seal() {
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
  if (values[8] > UINT32_MAX) return corrupt("seal content");
  seal.content = static_cast<std::uint32_t>(values[8]);
  if (values[9] != seal_row_hash(salt_, seal)) return corrupt("seal hash");
  if (info.block_count > file_bytes_ / kBlockRowBytesMin) return corrupt("seal block count");
  seal_ = seal;
  return {};
}

Status Reader::load() {
  Status status = check_schema();
  if (status.ok()) status = load_meta();
  if (!status.ok()) return status;
  seal_status_ = load_seal();
  if (seal_status_.ok()) return {};
  // The seal alone is damaged: what the blocks say is still worth reading, and is reported with the seal.
  for (const BlockRow& row : load_block_rows()) {
    SegmentInfo& info = seal_.info;
    const auto widen = [](std::uint64_t& first, std::uint64_t& last, std::uint64_t from, std::uint64_t to) {
      if (from == 0) return;
      first = first == 0 ? from : std::min(first, from);
      last = std::max(last, to);
    };
    widen(info.first_sequence, info.last_sequence, row.info.first_sequence, row.info.last_sequence);
    widen(info.first_keeper_sequence, info.last_keeper_sequence, row.info.first_keeper_sequence,
          row.info.last_keeper_sequence);
    info.record_count += row.info.record_count;
    info.block_count = std::max(info.block_count, row.id);
  }
  return {};
}

Status Reader::load_keys() {
  Result<Statement> statement = database_.prepare("SELECT id,hash,name FROM keys ORDER BY id");
  if (!statement.ok()) return at(statement.status(), "keys");
  const Statement& row = statement.value();
  std::uint64_t count = 0;
  for (;; ++count) {
    const Result<bool> more = statement.value().step();
    if (!more.ok()) return at(more.status(), "keys");
    if (!more.value()) break;
    std::array<std::uint64_t, 2> numbers;
    if (!read_integers(row, 0, numbers) || row.column_type(2) != SQLITE_BLOB) return corrupt("key row");
    const std::uint32_t hash = key_row_hash(salt_, numbers[0], row.column_blob(2));
    if (hash != numbers[1]) return corrupt("key " + std::to_string(numbers[0]) + ": hash");
    content_->add(hash);
  }
  return count == seal_.key_count || !seal_status_.ok() ? Status() : corrupt("key count");
}

Status Reader::load_gaps() {
  gaps_.clear();
  Result<Statement> statement = database_.prepare("SELECT id,source,first,last,hash FROM gaps ORDER BY id");
  if (!statement.ok()) return at(statement.status(), "gaps");
  for (;;) {
    const Result<bool> more = statement.value().step();
    if (!more.ok()) return at(more.status(), "gaps");
    if (!more.value()) break;
    std::array<std::uint64_t, 5> numbers;
    if (!read_integers(statement.value(), 0, numbers) || numbers[1] > 1) return corrupt("gap row");
    const SegmentGap gap{static_cast<Source>(numbers[1]), numbers[2], numbers[3]};
    if (gap_row_hash(salt_, numbers[0], gap) != numbers[4]) return corrupt("gap hash");
    content_->add(static_cast<std::uint32_t>(numbers[4]));
    gaps_.push_back(gap);
  }
  return gaps_.size() == seal_.gap_count || !seal_status_.ok() ? Status() : corrupt("gap count");
}

std::vector<BlockRow> Reader::load_block_rows() {
  std::vector<BlockRow> rows;
  Result<Statement> statement = database_.prepare(
      "SELECT kind,records,first_ordinal,last_ordinal,first,last,first_keeper,last_keeper,raw_bytes,hash"
      " FROM blocks WHERE id=?");
  if (!statement.ok()) {
    note(at(statement.status(), "blocks"));
    return rows;
  }
  // Each block is looked up by itself, so that a damaged page costs only the blocks below it.
  const std::uint64_t id_max = seal_status_.ok() ? seal_.info.block_count : file_bytes_ / kBlockRowBytesMin;
  for (std::uint64_t id = 1; id <= id_max; ++id) {
    statement.value().reset();
    static_cast<void>(statement.value().bind(1, static_cast<std::int64_t>(id)));
    const Result<bool> found = statement.value().step();
    const std::string place = "block " + std::to_string(id);
    if (!found.ok()) {
      note(at(found.status(), place));
      continue;
    }
    if (!found.value()) {
      if (!seal_status_.ok()) break;
      note(corrupt(place + " is missing"));
      continue;
    }
    std::array<std::uint64_t, 10> values;
    if (!read_integers(statement.value(), 0, values) || values[0] > UINT8_MAX) {
      note(corrupt(place + ": row"));
      continue;
    }
    rows.push_back({.id = id,
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
  return rows;
}

Result<OpenBlock> Reader::open_block(const BlockRow& row) {
  const std::string place = "block " + std::to_string(row.id);
  Result<Statement> statement = database_.prepare("SELECT data FROM blocks WHERE id=?");
  if (!statement.ok()) return at(statement.status(), place);
  Status bound = statement.value().bind(1, static_cast<std::int64_t>(row.id));
  if (!bound.ok()) return at(bound, place);
  const Result<bool> found = statement.value().step();
  if (!found.ok()) return at(found.status(), place);
  if (!found.value() || statement.value().column_type(0) != SQLITE_BLOB) return corrupt(place + ": no data");
  const auto data = statement.value().column_blob(0);
  const std::uint32_t hash = block_row_hash(salt_, row.id, row.info, data);
  if (hash != row.hash) return corrupt(place + ": hash");
  if (row.info.raw_bytes > kBlockBytesMax) return corrupt(place + ": larger than a block may be");
  Result<std::vector<std::byte>> raw = decompressor_.decompress(data, row.info.raw_bytes);
  if (!raw.ok()) return at(raw.status(), place);
  Result<std::unique_ptr<BlockReader>> reader = BlockReader::open(row.info, std::move(raw).value());
  if (!reader.ok()) return at(reader.status(), place);
  return OpenBlock{.reader = std::move(reader).value(), .next = 0, .raw_bytes = row.info.raw_bytes};
}

bool Reader::is_gap(const Frame& frame, std::uint64_t last) const {
  return std::any_of(gaps_.begin(), gaps_.end(), [&](const SegmentGap& gap) {
    return gap.source == frame.source && gap.first == last + 1 && gap.last + 1 == frame.sequence;
  });
}

// What a record tells about the records that should have come before it.
void Reader::check_order(const Frame& frame, std::uint64_t ordinal) {
  if (ordinal != record_count_) note(corrupt("record " + std::to_string(record_count_) + " is missing"));
  record_count_ = ordinal + 1;
  const bool keeper = frame.source == Source::kKeeper;
  const std::uint64_t first = keeper ? seal_.info.first_keeper_sequence : seal_.info.first_sequence;
  std::uint64_t& last = last_sequence_[keeper ? 1 : 0];
  const bool expected = last == 0 ? frame.sequence == first : frame.sequence == last + 1 || is_gap(frame, last);
  if (!expected) note(corrupt("sequence number " + std::to_string(frame.sequence) + " does not follow"));
  last = frame.sequence;
}

Status Reader::read(std::uint64_t after_sequence, const RecordVisitor& visit) {
  damage_ = seal_status_;
  record_count_ = last_sequence_[0] = last_sequence_[1] = 0;
  content_.emplace(salt_);
  for (const std::uint32_t hash : meta_hashes_) content_->add(hash);
  note(load_keys());
  note(load_gaps());
  std::vector<BlockRow> rows = load_block_rows();
  for (const BlockRow& row : rows) content_->add(static_cast<std::uint32_t>(row.hash));
  std::sort(rows.begin(), rows.end(),
            [](const BlockRow& a, const BlockRow& b) { return a.info.first_ordinal < b.info.first_ordinal; });

  std::priority_queue<OpenBlock, std::vector<OpenBlock>, LaterOrdinal> open;
  std::uint64_t open_bytes = 0;
  std::size_t next_row = 0;
  while (next_row < rows.size() || !open.empty()) {
    // A block is opened when its first record is due, and closed behind its last one.
    if (next_row < rows.size() && (open.empty() || rows[next_row].info.first_ordinal < open.top().ordinal())) {
      const BlockRow& row = rows[next_row++];
      if (row.info.raw_bytes > kOpenBytesMax - open_bytes) {
        note(corrupt("block " + std::to_string(row.id) + ": too many blocks overlap"));
        continue;
      }
      Result<OpenBlock> block = open_block(row);
      note(block.status());
      if (!block.ok()) continue;
      open_bytes += row.info.raw_bytes;
      open.push(std::move(block).value());
      continue;
    }
    // The queue gives only const access; the block is taken out and put back with its next record.
    OpenBlock block = std::move(const_cast<OpenBlock&>(open.top()));
    open.pop();
    const std::uint64_t due = open.empty() ? UINT64_MAX : open.top().ordinal();
    const std::uint64_t next_due = next_row < rows.size() ? std::min(due, rows[next_row].info.first_ordinal) : due;
    for (; block.next < block.reader->size() && block.ordinal() <= next_due; ++block.next) {
      const Frame frame = block.reader->frame(block.next);
      if (block.ordinal() < record_count_) {
        note(corrupt("record " + std::to_string(block.ordinal()) + " is there twice"));
        continue;
      }
      check_order(frame, block.ordinal());
      if (frame.source == Source::kTrainer && frame.sequence <= after_sequence) continue;
      if (!visit(frame)) return {};
    }
    if (block.next < block.reader->size()) {
      open.push(std::move(block));
    } else {
      open_bytes -= block.raw_bytes;
    }
  }
  if (seal_status_.ok()) {
    if (record_count_ != seal_.info.record_count) note(corrupt("record count"));
    if (last_sequence_[0] != seal_.info.last_sequence || last_sequence_[1] != seal_.info.last_keeper_sequence) {
      note(corrupt("last sequence number"));
    }
    if (content_->value() != seal_.content) note(corrupt("content hash"));
  }
  return damage_;
}

}  // namespace

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const std::string& path) {
  std::uint64_t file_bytes = 0;
  const Result<FileDescriptor> checked = open_regular(path, &file_bytes);
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
  sqlite3_progress_handler(
      handle, static_cast<int>(std::min<std::uint64_t>(kStatementStepsMin + file_bytes, INT32_MAX)),
      [](void*) { return 1; }, nullptr);
  auto reader = std::make_unique<Reader>(path, std::move(short_path).value(), file_bytes, std::move(database).value(),
                                         std::move(decompressor).value());
  Status status = reader->load();
  if (!status.ok()) return status;
  return std::unique_ptr<SegmentReader>(std::move(reader));
}

}  // namespace wb
