// Rows of a segment's small tables, written with their hashes.
#include "schema/journal/segment_rows.h"

#include <utility>

#include "schema/bytes.h"
#include "schema/limits.h"

namespace wb {

Status write_meta_rows(Database& database, const SegmentInfo& info, ContentHash& content) {
  Result<Statement> prepared = database.prepare("INSERT INTO meta VALUES(?,?,?)");
  if (!prepared.ok()) return prepared.status();
  Statement& insert = prepared.value();
  const std::uint32_t salt = info.journal.salt();
  const std::pair<std::string_view, std::uint64_t> numbers[] = {
      {kMetaCompatible, 0}, {kMetaVersion, kFormatVersion}, {kMetaIncompatible, 0}, {kMetaNumber, info.number}};
  std::map<std::string_view, std::uint32_t> hashes;  // By key, as ContentHash wants them.
  for (const auto& [key, number] : numbers) {
    hashes[key] = RowHash(salt, "meta").text(key).integer(number).value();
    Status status = insert.bind_text(1, key);
    if (status.ok()) status = insert.bind(2, static_cast<std::int64_t>(number));
    if (status.ok()) status = insert.bind(3, std::int64_t{hashes[key]});
    if (status.ok()) status = insert.run();
    if (!status.ok()) return status;
  }
  const std::span<const std::byte> uuid = info.journal.bytes;
  hashes[kMetaJournal] = RowHash(salt, "meta").text(kMetaJournal).blob(uuid).value();
  Status status = insert.bind_text(1, kMetaJournal);
  if (status.ok()) status = insert.bind_blob(2, uuid);
  if (status.ok()) status = insert.bind(3, std::int64_t{hashes[kMetaJournal]});
  if (status.ok()) status = insert.run();
  for (const auto& [key, hash] : hashes) content.add(hash);
  return status;
}

Status write_key_rows(Database& database, std::uint32_t salt, const std::map<std::uint32_t, std::string>& keys,
                      ContentHash& content) {
  Result<Statement> insert = database.prepare("INSERT INTO keys VALUES(?,?,?)");
  if (!insert.ok()) return insert.status();
  for (const auto& [index, name] : keys) {
    const std::uint32_t hash = key_row_hash(salt, index, as_bytes(name));
    content.add(hash);
    Status status = insert.value().bind(1, std::int64_t{index});
    if (status.ok()) status = insert.value().bind_blob(2, as_bytes(name));
    if (status.ok()) status = insert.value().bind(3, std::int64_t{hash});
    if (status.ok()) status = insert.value().run();
    if (!status.ok()) return status;
  }
  return {};
}

Status write_gap_rows(Database& database, std::uint32_t salt, std::span<const SegmentGap> gaps, ContentHash& content) {
  Result<Statement> insert = database.prepare("INSERT INTO gaps VALUES(?,?,?,?,?)");
  if (!insert.ok()) return insert.status();
  std::uint64_t id = 0;
  for (const SegmentGap& gap : gaps) {
    const std::uint32_t hash = gap_row_hash(salt, ++id, gap);
    content.add(hash);
    int parameter = 0;
    Status status;
    for (const std::uint64_t value :
         {id, static_cast<std::uint64_t>(gap.source), gap.range.first, gap.range.last, std::uint64_t{hash}}) {
      if (status.ok()) status = insert.value().bind(++parameter, static_cast<std::int64_t>(value));
    }
    if (status.ok()) status = insert.value().run();
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace wb
