// Journal fold: what one journal says about its run, record by record, without keeping the rows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schema/frame.h"
#include "sync/row.h"
#include "sync/run_model.h"
#include "sync/run_state.h"
#include "sync/summary_fold.h"

namespace wb {

/// A field of the run record as one journal had it last.
struct RunField {
  std::string text;             ///< Numbers in decimal; JSON as it is.
  std::int64_t changed_us = 0;  ///< About when it was changed after the first run record; 0: never.
};

/// What is left of a journal once it was read: everything that a run is rebuilt from, but the rows.
struct JournalDigest {
  JournalModel model;
  std::map<std::string, RunField> fields;
  std::map<std::string, std::string> config;                    ///< Top-level key to JSON text.
  std::vector<std::map<std::string, std::string>> definitions;  ///< In the order of the journal.
  SummaryFold summary;                                          ///< Of this journal alone.
  JournalEnd end;
  Timestamp last_row_time;
  std::int64_t last_wire_step = -1;  ///< Of this journal's rows alone.
};

/// Visits a journal's frames in order. A payload that does not decode is counted as damage and passed over.
class JournalFold {
 public:
  explicit JournalFold(JournalFiles files);

  void visit(const Frame& frame);

  /// Ends the reading. `now_wall_us` decides between running and lost.
  JournalDigest finish(JournalScan scan, std::int64_t now_wall_us);

 private:
  struct SummaryPlace {
    bool is_known = false;
    std::optional<std::size_t> place;  // None: the key is "", which is left out.
  };
  void visit_keeper(const Frame& frame);
  void take_run(std::span<const Metric> entries, bool snapshot);
  void take_key(const Frame& frame);
  void take_row(const Frame& frame);
  void finish_row(const Row& row);
  void take_finish(const Frame& frame);
  void take_death(std::span<const Metric> entries);
  void take_time(const Timestamp& time);
  void take_map_time(std::span<const Metric> entries);
  void note_damage(const Frame& frame, const Status& status);
  void fill_model();

  JournalDigest digest_;
  RowAssembler assembler_;
  KeyIndexMap<SummaryPlace> summary_places_;  // By key index.
  std::vector<Damage> damage_;
  bool has_run_record_ = false;
  bool has_time_ = false;
};

/// The field's text, or nothing.
std::string field_text(const std::map<std::string, RunField>& fields, const std::string& name);
/// The field as a number; `otherwise` if it is absent or none.
std::int64_t field_number(const std::map<std::string, RunField>& fields, const std::string& name,
                          std::int64_t otherwise);

}  // namespace wb
