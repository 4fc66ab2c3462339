// The tables of the local store. docs/store.md says what each column means; change both together.
#pragma once

namespace wb {

inline constexpr char kStoreSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY,
  entity TEXT NOT NULL, project TEXT NOT NULL, run TEXT NOT NULL,
  name TEXT NOT NULL, group_name TEXT NOT NULL, job_type TEXT NOT NULL, notes TEXT NOT NULL, tags TEXT NOT NULL,
  host TEXT NOT NULL, program TEXT NOT NULL,
  state TEXT NOT NULL, exit_code INTEGER NOT NULL, start_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
  row_count INTEGER NOT NULL, last_step INTEGER NOT NULL, mark TEXT NOT NULL,
  UNIQUE (entity, project, run)
);
CREATE TABLE IF NOT EXISTS journals (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  journal TEXT NOT NULL, directory TEXT NOT NULL, rank INTEGER NOT NULL, attempt INTEGER NOT NULL,
  host TEXT NOT NULL, state TEXT NOT NULL, state_reason TEXT NOT NULL, exit_code INTEGER,
  first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL,
  row_count INTEGER NOT NULL, dropped_count INTEGER NOT NULL, damage_count INTEGER NOT NULL,
  PRIMARY KEY (run_id, journal)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS config (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS summary (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key TEXT NOT NULL, count INTEGER NOT NULL, number_count INTEGER NOT NULL, nan_count INTEGER NOT NULL,
  min REAL, max REAL, first REAL, last REAL, PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS series (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key TEXT NOT NULL, bucket INTEGER NOT NULL, count INTEGER NOT NULL,
  min_step INTEGER NOT NULL, min REAL NOT NULL, max_step INTEGER NOT NULL, max REAL NOT NULL,
  PRIMARY KEY (run_id, key, bucket)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS groups AS
  SELECT entity, project, group_name, count(*) AS run_count,
         sum(state = 'running') AS running_count, sum(state = 'finished') AS finished_count,
         sum(state = 'failed') AS failed_count, sum(state = 'crashed') AS crashed_count,
         sum(state = 'lost') AS lost_count,
         min(start_us) AS start_us, max(last_us) AS last_us, sum(row_count) AS row_count
  FROM runs WHERE group_name <> '' GROUP BY entity, project, group_name;
)sql";

}  // namespace wb
