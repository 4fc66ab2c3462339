// Journal fold: one function per kind of record that says something about the run.
#include "sync/journal_fold.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sync/json.h"

namespace wb {
namespace {

std::string plain_text(const Value& value) {
  return value.is_text() ? std::string(value.text()) : json_value(value);
}

std::optional<std::int64_t> number_entry(std::span<const Metric> entries, std::string_view name) {
  const std::optional<Value> value = map_value(entries, name);
  if (!value || (value->type() != ValueType::kInt64 && value->type() != ValueType::kUint64)) return std::nullopt;
  return value->as_int64();
}

/// The stem without ".r<rank>.a<attempt>.<8 hex>": the run id as file names have it.
std::string run_id_of_stem(const std::string& stem) {
  std::size_t end = stem.size();
  for (int part = 0; part < 3; ++part) end = end == 0 ? end : stem.rfind('.', end - 1);
  return end == std::string::npos ? stem : stem.substr(0, end);
}

}  // namespace

std::string field_text(const std::map<std::string, RunField>& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second.text;
}

std::int64_t field_number(const std::map<std::string, RunField>& fields, const std::string& name,
                          std::int64_t otherwise) {
  const std::string text = field_text(fields, name);
  std::int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end && !text.empty() ? number : otherwise;
}

JournalFold::JournalFold(JournalFiles files) {
  digest_.model.files = std::move(files);
}

void JournalFold::visit(const Frame& frame) {
  if (frame.source == Source::kKeeper) return visit_keeper(frame);
  switch (frame.kind) {
    case Kind::kKey:
      return take_key(frame);
    case Kind::kRow:
      return take_row(frame);
    case Kind::kFinish:
      return take_finish(frame);
    case Kind::kRun:
    case Kind::kConfig:
    case Kind::kSummary:
    case Kind::kMetric:
      break;
    default:
      return;  // Kept in the journal and shown by dump; nothing of the run depends on it.
  }
  const Result<std::vector<Metric>> map = decode_map(frame.payload);
  if (!map.ok()) return note_damage(frame, map.status());
  if (frame.kind == Kind::kRun) return take_run(map.value(), false);
  if (frame.kind == Kind::kMetric) {
    std::map<std::string, std::string>& definition = digest_.definitions.emplace_back();
    for (const Metric& entry : map.value()) definition[std::string(entry.name)] = plain_text(entry.value);
    return;
  }
  for (const Metric& entry : map.value()) {
    if (frame.kind == Kind::kSummary) {
      digest_.summary.set(entry.name, entry.value);
    } else if (entry.value.type() == ValueType::kRemoved) {
      digest_.config.erase(std::string(entry.name));
    } else {
      digest_.config[std::string(entry.name)] = json_value(entry.value);
    }
  }
}

void JournalFold::visit_keeper(const Frame& frame) {
  if (frame.kind == Kind::kHeartbeat) {
    const Result<HeartbeatRecord> heartbeat = decode_heartbeat(frame.payload);
    return heartbeat.ok() ? take_time(heartbeat.value().time) : note_damage(frame, heartbeat.status());
  }
  if (frame.kind == Kind::kKeySnapshot) return take_key(frame);
  const bool is_map = frame.kind == Kind::kGap || frame.kind == Kind::kDeath || frame.kind == Kind::kSignal ||
                      frame.kind == Kind::kSnapshot;
  if (!is_map) return;
  const Result<std::vector<Metric>> map = decode_map(frame.payload);
  if (!map.ok()) return note_damage(frame, map.status());
  if (frame.kind == Kind::kSnapshot) return take_run(map.value(), true);
  take_map_time(map.value());
  if (frame.kind == Kind::kDeath) take_death(map.value());
  if (frame.kind == Kind::kGap) {
    digest_.model.dropped_count += static_cast<std::uint64_t>(number_entry(map.value(), "count").value_or(0));
  }
}

void JournalFold::take_run(std::span<const Metric> entries, bool snapshot) {
  // A snapshot repeats what earlier files said; it only counts where those were lost.
  for (const Metric& entry : entries) {
    std::string text = plain_text(entry.value);
    const auto [at, inserted] = digest_.fields.try_emplace(std::string(entry.name));
    if (!inserted && (snapshot || at->second.text == text)) continue;
    at->second.text = std::move(text);
    if (has_run_record_) at->second.changed_us = digest_.model.last.wall_us();
  }
  has_run_record_ = true;
  const std::int64_t mono_ns = field_number(digest_.fields, "start_mono_ns", 0);
  const std::int64_t wall_us = field_number(digest_.fields, "start_wall_us", 0);
  if (mono_ns != 0 && wall_us != 0) {
    digest_.model.start = {mono_ns, wall_us - mono_ns / 1000};
    take_time(digest_.model.start);
  }
}

void JournalFold::take_key(const Frame& frame) {
  const Result<KeyRecord> key = decode_key(frame.payload);
  if (!key.ok()) return note_damage(frame, key.status());
  digest_.model.keys.define(key.value().index, key.value().name);
  summary_places_[key.value().index] = {};  // Rows before may have gone under "key#<index>".
}

void JournalFold::take_row(const Frame& frame) {
  const Result<RowView> part = RowView::parse(frame.payload);
  if (!part.ok()) return note_damage(frame, part.status());
  take_time(part.value().time());
  assembler_.add(part.value(), frame.flags, frame.sequence, [this](const Row& row) { finish_row(row); });
}

void JournalFold::finish_row(const Row& row) {
  JournalModel& model = digest_.model;
  ++model.row_count;
  if (row.out_of_order || row.step < model.last_step) ++model.out_of_order_count;
  model.last_step = std::max(model.last_step, row.step);
  digest_.last_row_time = row.time;
  digest_.last_wire_step = next_wire_step(digest_.last_wire_step, row.step);
  for (const Cell& cell : row.cells) {
    SummaryPlace& place = summary_places_[cell.key_index()];
    if (!place.is_known) {
      const std::string name = model.keys.name(cell.key_index());
      place.is_known = true;
      if (!name.empty()) place.place = digest_.summary.place_of(name);
    }
    if (place.place) digest_.summary.log(*place.place, row.value(cell));
  }
}

void JournalFold::take_finish(const Frame& frame) {
  const Result<FinishRecord> record = decode_finish(frame.payload);
  if (!record.ok()) return note_damage(frame, record.status());
  take_time(record.value().time);
  digest_.end.finished = true;
  digest_.end.exit_code.reset();
  if ((frame.flags & kFinishNoExitCode) == 0) digest_.end.exit_code = record.value().exit_code;
}

void JournalFold::take_death(std::span<const Metric> entries) {
  digest_.end.died = true;
  if (const auto reason = map_value(entries, "reason")) digest_.end.reason = plain_text(*reason);
  digest_.end.signal = number_entry(entries, "signal");
  const auto exit_code = number_entry(entries, "exit_code");
  if (exit_code && !digest_.end.finished) digest_.end.exit_code = static_cast<std::int32_t>(*exit_code);
}

void JournalFold::take_time(const Timestamp& time) {
  JournalModel& model = digest_.model;
  if (!has_time_) {
    has_time_ = true;
    if (model.start.mono_ns == 0) model.start = time;
    model.last = time;
  }
  if (time.mono_ns > model.last.mono_ns) model.last = time;
}

void JournalFold::take_map_time(std::span<const Metric> entries) {
  const auto mono_ns = number_entry(entries, "mono_ns");
  const auto offset_us = number_entry(entries, "wall_offset_us");
  if (mono_ns && offset_us) take_time({*mono_ns, *offset_us});
}

void JournalFold::note_damage(const Frame& frame, const Status& status) {
  const bool trainer = frame.source == Source::kTrainer;
  damage_.push_back({.path = digest_.model.files.directory + "/" + digest_.model.files.stem,
                     .code = Code::kCorrupt,
                     .what = "record " + std::to_string(frame.sequence) + (trainer ? "" : " of the keeper") +
                             " does not decode: " + status.message(),
                     .first_missing = trainer ? frame.sequence : 0,
                     .last_missing = trainer ? frame.sequence : 0});
}

JournalDigest JournalFold::finish(JournalScan scan, std::int64_t now_wall_us) {
  assembler_.take_open([this](const Row& row) { finish_row(row); });
  JournalModel& model = digest_.model;
  model.scan = std::move(scan);
  model.scan.damage.insert(model.scan.damage.end(), damage_.begin(), damage_.end());
  fill_model();
  const ProcessLife life = look_for_process({.boot_id = model.boot_id,
                                             .pid_namespace = field_text(digest_.fields, "pid_namespace"),
                                             .pid = model.pid,
                                             .start_ticks = model.pid_start_ticks});
  JournalState state = infer_state(digest_.end, life, model.last.wall_us(), now_wall_us);
  model.state = state.state;
  model.state_reason = std::move(state.reason);
  model.exit_code = digest_.end.exit_code;
  model.has_death = digest_.end.died;
  return std::move(digest_);
}

void JournalFold::fill_model() {
  JournalModel& model = digest_.model;
  const auto& fields = digest_.fields;
  model.run_id = field_text(fields, "run_id");
  if (model.run_id.empty()) model.run_id = run_id_of_stem(model.files.stem);
  model.project = field_text(fields, "project");
  if (model.project.empty()) model.project = "uncategorized";
  model.entity = field_text(fields, "entity");
  model.rank = field_number(fields, "rank", 0);
  model.world_size = field_number(fields, "world_size", 1);
  model.attempt = field_number(fields, "attempt", 0);
  model.host = field_text(fields, "host");
  model.boot_id = field_text(fields, "boot_id");
  model.job = field_text(fields, "job");
  model.parent_journal = field_text(fields, "parent_journal");
  model.pid = field_number(fields, "pid", 0);
  model.pid_start_ticks = static_cast<std::uint64_t>(field_number(fields, "pid_start_ticks", 0));
  model.sync_interval_ms = field_number(fields, "sync_interval_ms", 0);
}

}  // namespace wb
