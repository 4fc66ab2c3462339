// The ledger's tables, by the letter: created from here and compared with here at each opening.
//
//   target      one run at one server, and the entity that the server resolved
//   stream      lines of one kind (history): next_off are assigned, acked_off of them acknowledged, last_step the last
//   `_step` batch       lines [off, off + line_count): the encoder, the `_step` before and after them, the hash of
//   their bytes batch_part  the records (a journal's sequence numbers) that a batch covers register    the hash of what
//   the server last acknowledged of the fields, the summary and the end quarantine  a line that the server refuses for
//   good, and what stands at its place instead
//
// batch, batch_part and quarantine are write-once: a line's content never changes once it may have left.
#pragma once

#include <cstdint>

namespace wb {

inline constexpr std::int64_t kLedgerFormat = 1;  ///< In `user_version`.

struct LedgerObject {
  const char* name;
  const char* sql;
};

inline constexpr LedgerObject kLedgerObjects[] = {
    {"target",
     "CREATE TABLE target(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, base_url TEXT NOT NULL, entity TEXT NOT NULL, "
     "project TEXT NOT NULL, run_id TEXT NOT NULL, remote_entity TEXT NOT NULL, "
     "UNIQUE(kind, base_url, entity, project, run_id))"},
    {"stream",
     "CREATE TABLE stream(id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES target(id), name TEXT NOT NULL, "
     "next_off INTEGER NOT NULL DEFAULT 0, acked_off INTEGER NOT NULL DEFAULT 0, "
     "last_step INTEGER NOT NULL DEFAULT -1, CHECK(0 <= acked_off AND acked_off <= next_off), UNIQUE(target, name))"},
    {"batch",
     "CREATE TABLE batch(stream INTEGER NOT NULL REFERENCES stream(id), number INTEGER NOT NULL, "
     "off INTEGER NOT NULL, line_count INTEGER NOT NULL CHECK(line_count >= 0), previous_step INTEGER NOT NULL, "
     "last_step INTEGER NOT NULL CHECK(last_step >= previous_step), encoder_version INTEGER NOT NULL, "
     "payload_hash BLOB NOT NULL CHECK(length(payload_hash) = 32), PRIMARY KEY(stream, number)) WITHOUT ROWID"},
    {"batch_part",
     "CREATE TABLE batch_part(stream INTEGER NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL, "
     "journal BLOB NOT NULL CHECK(length(journal) = 16), first_seq INTEGER NOT NULL CHECK(first_seq > 0), "
     "last_seq INTEGER NOT NULL CHECK(last_seq >= first_seq), PRIMARY KEY(stream, number, position), "
     "UNIQUE(stream, journal, first_seq), FOREIGN KEY(stream, number) REFERENCES batch(stream, number)) WITHOUT ROWID"},
    {"register",
     "CREATE TABLE register(target INTEGER NOT NULL REFERENCES target(id), "
     "kind TEXT NOT NULL CHECK(kind IN ('fields', 'summary', 'end')), "
     "hash BLOB NOT NULL CHECK(length(hash) = 32), PRIMARY KEY(target, kind)) WITHOUT ROWID"},
    {"quarantine",
     "CREATE TABLE quarantine(stream INTEGER NOT NULL REFERENCES stream(id), off INTEGER NOT NULL, "
     "refused_hash BLOB NOT NULL CHECK(length(refused_hash) = 32), reason TEXT NOT NULL, line TEXT NOT NULL, "
     "PRIMARY KEY(stream, off)) WITHOUT ROWID"},
    {"stream_only_grows",
     "CREATE TRIGGER stream_only_grows BEFORE UPDATE ON stream WHEN NEW.id <> OLD.id OR NEW.target <> OLD.target OR "
     "NEW.next_off < OLD.next_off OR NEW.acked_off < OLD.acked_off OR NEW.last_step < OLD.last_step "
     "BEGIN SELECT RAISE(ABORT, 'a stream only grows'); END"},
    {"batch_follows",
     "CREATE TRIGGER batch_follows BEFORE INSERT ON batch WHEN "
     "NEW.off <> (SELECT next_off FROM stream WHERE id = NEW.stream) OR "
     "NEW.previous_step <> (SELECT last_step FROM stream WHERE id = NEW.stream) OR "
     "NEW.number <> (SELECT coalesce(max(number) + 1, 0) FROM batch WHERE stream = NEW.stream) "
     "BEGIN SELECT RAISE(ABORT, 'a batch follows the one before it'); END"},
    {"part_is_new",
     "CREATE TRIGGER part_is_new BEFORE INSERT ON batch_part WHEN "
     "NEW.first_seq <= (SELECT last_seq FROM batch_part WHERE stream = NEW.stream AND journal = NEW.journal "
     "ORDER BY first_seq DESC LIMIT 1) BEGIN SELECT RAISE(ABORT, 'a record is assigned once'); END"},
    {"batch_stays", "CREATE TRIGGER batch_stays BEFORE UPDATE ON batch BEGIN SELECT RAISE(ABORT, 'write-once'); END"},
    {"batch_remains",
     "CREATE TRIGGER batch_remains BEFORE DELETE ON batch BEGIN SELECT RAISE(ABORT, 'write-once'); END"},
    {"part_stays",
     "CREATE TRIGGER part_stays BEFORE UPDATE ON batch_part BEGIN SELECT RAISE(ABORT, 'write-once'); END"},
    {"part_remains",
     "CREATE TRIGGER part_remains BEFORE DELETE ON batch_part BEGIN SELECT RAISE(ABORT, 'write-once'); END"},
    {"quarantine_stays",
     "CREATE TRIGGER quarantine_stays BEFORE UPDATE ON quarantine BEGIN SELECT RAISE(ABORT, 'write-once'); END"},
    {"quarantine_remains",
     "CREATE TRIGGER quarantine_remains BEFORE DELETE ON quarantine BEGIN SELECT RAISE(ABORT, 'write-once'); END"},
};

}  // namespace wb
