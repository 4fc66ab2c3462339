// One run's steps: assign, then send, then acknowledge, each committed before the next.
#include "sync/engine_run.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sync/engine_quarantine.h"
#include "sync/row_stream.h"
#include "sync/run_state.h"

namespace wb {
namespace {

constexpr std::string_view kFieldsVersion = "1";  // A new number makes every run's fields be sent again.

ExitCode exit_code_of_ledger(const Status& status) noexcept {
  if (status.code() == Code::kInternal) return ExitCode::kInternal;
  return ExitCode::kNoState;
}

ExitCode exit_code_of_journal(const Status& status) noexcept {
  return status.code() == Code::kInternal ? ExitCode::kInternal : ExitCode::kDamage;
}

bool ends(const RunModel& run) noexcept {
  return run.state != RunState::kRunning;
}

// Records behind `covered` that another call may find: their file is there and cannot be read now, or is missing where
// the keeper may just have sealed it (a network file system shows that later). Damaged ones are lost.
const Damage* hidden_records(const JournalModel& journal, std::uint64_t covered, std::int64_t now_wall_us) {
  const bool is_recent = now_wall_us - journal.last.wall_us() <= kLostAfterUs;
  for (const Damage& damage : journal.scan.damage) {
    const bool is_lost = damage.code == Code::kCorrupt || damage.code == Code::kTruncated ||
                         (damage.code == Code::kNotFound && !is_recent);
    if (!is_lost && damage.last_missing > covered) return &damage;
  }
  return nullptr;
}

bool lost_records(const RunModel& run, const std::vector<JournalRange>& parts) {
  for (const JournalModel& journal : run.journals) {
    for (const JournalRange& part : parts) {
      if (part.journal != journal.scan.journal) continue;
      for (const Damage& damage : journal.scan.damage) {
        if (damage.first_missing <= part.last_sequence && damage.last_missing >= part.first_sequence) return true;
      }
    }
  }
  return false;
}

}  // namespace

Digest fields_digest(const RunModel& run) {
  PartHash hash;
  hash.update(kFieldsVersion);
  for (const std::string* field : {&run.id, &run.project, &run.entity, &run.group, &run.job_type, &run.name, &run.notes,
                                   &run.host, &run.program}) {
    hash.update(*field);
  }
  hash.update(std::to_string(run.tags.size()));
  for (const std::string& tag : run.tags) hash.update(tag);
  hash.update(std::to_string(run.config.size()));
  for (const auto& [key, json] : run.config) {
    hash.update(key);
    hash.update(json);
  }
  for (const auto& definition : run.definitions) {
    hash.update(std::to_string(definition.size()));
    for (const auto& [name, text] : definition) {
      hash.update(name);
      hash.update(text);
    }
  }
  return hash.finish();
}

Digest summary_digest(const RunModel& run) {
  PartHash hash;
  for (const auto& [key, json] : run.summary) {
    hash.update(key);
    hash.update(json);
  }
  return hash.finish();
}

// Line count and summary are in it: what comes behind an end makes the server see the run as going on.
Digest end_digest(const RunModel& run, std::uint64_t line_count) {
  PartHash hash;
  hash.update(std::to_string(run.exit_code));
  hash.update(std::to_string(line_count));
  for (const auto& [key, json] : run.summary) {
    hash.update(key);
    hash.update(json);
  }
  return hash.finish();
}

RunSync::RunSync(const RunModel& run, Ledger& ledger, Courier& courier, const EngineOptions& options,
                 EngineCounters& counters)
    : run_(run),
      ledger_(ledger),
      courier_(courier),
      options_(options),
      counters_(counters),
      key_{options.kind, options.base_url, run.entity, run.project, run.id} {}

bool RunSync::stop(ExitCode exit_code, const Status& status) {
  assert(!status.ok());
  report_.outcome = RunOutcome::kStopped;
  report_.exit_code = exit_code;
  report_.status = status;
  return false;
}

bool RunSync::stop_for(const Status& failure) {
  switch (failure.code()) {
    case Code::kUnauthorized:
      return stop(ExitCode::kUnauthorized, failure);
    case Code::kClosed:
      return stop(ExitCode::kInterrupted, failure);
    case Code::kInternal:
      return stop(ExitCode::kInternal, failure);
    default:
      return stop(ExitCode::kUnavailable, failure);
  }
}

bool RunSync::look_up() {
  Result<std::optional<TargetState>> state = ledger_.find(key_);
  if (!state.ok()) return stop(exit_code_of_ledger(state.status()), state.status());
  state_ = std::move(state).value();
  if (!state_.has_value()) return true;
  remote_.entity = state_->remote_entity;
  counters_.lines_done.fetch_add(state_->acked_offset, std::memory_order_relaxed);
  return true;
}

// Lines that we did not assign are another client's: ours would overwrite them.
bool RunSync::check_remote(const RemoteRun& remote) {
  const std::uint64_t known = state_.has_value() ? state_->next_offset : 0;
  if (remote.history_line_count > known) {
    return stop(ExitCode::kUnavailable,
                {Code::kExists, "the server has " + std::to_string(remote.history_line_count) + " rows of run " +
                                    run_.id + ", the ledger " + ledger_.path() + " knows of " + std::to_string(known) +
                                    ": somebody else uploaded it; use the ledger of that upload (--state DIR)"});
  }
  if (remote.inserted && state_.has_value() && state_->acked_offset > 0) {
    return stop(ExitCode::kUnavailable,
                {Code::kNotFound, "run " + run_.id +
                                      " was uploaded before and is gone from the server; to upload it again "
                                      "from the start, use an empty state (--state DIR)"});
  }
  return true;
}

bool RunSync::upsert_if_changed() {
  const Digest fields = fields_digest(run_);
  if (state_.has_value()) {
    const auto known = state_->acknowledged.find(Register::kFields);
    if (known != state_->acknowledged.end() && known->second == fields) return true;
  }
  report_.changed = true;
  Result<RemoteRun> remote = courier_.upsert_run(run_);
  if (!remote.ok()) return stop_for(remote.status());
  if (!check_remote(remote.value())) return false;
  remote_ = std::move(remote).value();
  Result<TargetState> state = ledger_.upserted(key_, remote_.entity, fields);
  if (state.status().code() == Code::kExists) return stop(ExitCode::kUnavailable, state.status());
  if (!state.ok()) return stop(exit_code_of_ledger(state.status()), state.status());
  state_ = std::move(state).value();
  return true;
}

bool RunSync::resend_assigned() {
  Result<std::vector<AssignedBatch>> batches = ledger_.unacknowledged(state_->stream);
  if (!batches.ok()) return stop(exit_code_of_ledger(batches.status()), batches.status());
  for (const AssignedBatch& assigned : batches.value()) {
    if (assigned.encoder_version != kEncoderVersion) {
      return stop(ExitCode::kInternal, {Code::kUnsupported, "lines of run " + run_.id +
                                                                " were assigned by another version of wbsync; "
                                                                "finish this upload with that version"});
    }
    Result<Batch> batch = rebuild_batch(run_, assigned.parts, assigned.previous_step);
    if (!batch.ok()) return stop(exit_code_of_journal(batch.status()), batch.status());
    std::vector<std::string>& lines = batch.value().lines;
    // I1: lines that may have left once are never sent with other bytes.
    const bool is_same = lines.size() == assigned.line_count && hash_lines(lines) == assigned.payload_hash;
    if (!is_same && lost_records(run_, assigned.parts)) {
      return stop(ExitCode::kDamage,
                  {Code::kCorrupt, "rows of run " + run_.id + " from " + std::to_string(assigned.offset) +
                                       " on were damaged after they were assigned and before the "
                                       "server had them; restore the journal from a copy"});
    }
    if (!is_same) {
      return stop(ExitCode::kInternal,
                  {Code::kInternal, "rows " + std::to_string(assigned.offset) + " to " +
                                        std::to_string(assigned.offset + assigned.line_count - 1) + " of run " +
                                        run_.id + " are not what was assigned before; nothing of them is sent"});
    }
    Piece piece{.offset = assigned.offset, .lines = std::move(lines)};
    if (piece.offset < state_->acked_offset) {
      const auto done = static_cast<std::ptrdiff_t>(state_->acked_offset - piece.offset);
      piece.lines.erase(piece.lines.begin(), piece.lines.begin() + done);
      piece.offset = state_->acked_offset;
    }
    if (!push(std::move(piece))) return false;
  }
  return true;
}

std::vector<JournalRange> RunSync::new_ranges(const std::map<Uuid, std::uint64_t>& cursors) {
  std::vector<JournalRange> ranges;
  bool has_more = false;
  for (const JournalModel& journal : run_.journals) {
    const auto cursor = cursors.find(journal.scan.journal);
    const std::uint64_t covered = cursor == cursors.end() ? 0 : cursor->second;
    std::uint64_t last = journal.scan.last_sequence;
    if (const Damage* hidden = hidden_records(journal, covered, options_.now_wall_us); hidden != nullptr) {
      last = std::max(covered, hidden->first_missing - 1);
      waiting_ = Status(Code::kIoError, hidden->path + ": " + hidden->what + "; the rows behind it wait for it");
    }
    has_more |= last > covered;
    ranges.push_back({.journal = journal.scan.journal, .first_sequence = covered + 1, .last_sequence = last});
  }
  if (!has_more) ranges.clear();
  return ranges;
}

bool RunSync::send_new() {
  const Result<std::map<Uuid, std::uint64_t>> cursors = ledger_.cursors(state_->stream);
  if (!cursors.ok()) return stop(exit_code_of_ledger(cursors.status()), cursors.status());
  std::vector<JournalRange> ranges = new_ranges(cursors.value());
  if (ranges.empty()) return true;
  RowStream::Options options;
  options.batch_bytes_max = options_.batch_bytes_max;
  options.now_wall_us = options_.now_wall_us;
  auto rows = RowStream::open(run_, std::move(ranges), state_->last_step, options);
  if (!rows.ok()) return stop(exit_code_of_journal(rows.status()), rows.status());
  for (;;) {
    Result<Batch> batch = rows.value()->next();
    if (!batch.ok()) return stop(exit_code_of_journal(batch.status()), batch.status());
    if (batch.value().parts.empty()) return true;
#ifdef WB_MUTANT_SEND_BEFORE_ASSIGN
    if (!send(state_->next_offset, batch.value().lines, {}).ok()) return false;
#endif
    // I2: committed before a byte of it leaves.
    const Result<AssignedBatch> assigned = ledger_.assign(state_->stream, batch.value());
    if (!assigned.ok()) return stop(exit_code_of_ledger(assigned.status()), assigned.status());
    state_->next_offset = assigned.value().offset + assigned.value().line_count;
    state_->last_step = batch.value().last_step;
    if (batch.value().lines.empty()) continue;
    if (!push({.offset = assigned.value().offset, .lines = std::move(batch.value().lines)})) return false;
  }
}

bool RunSync::push(Piece piece) {
  const auto quarantined = ledger_.quarantined(state_->stream, piece.offset, piece.offset + piece.lines.size());
  if (!quarantined.ok()) return stop(exit_code_of_ledger(quarantined.status()), quarantined.status());
  for (const QuarantinedLine& line : quarantined.value()) piece.lines[line.offset - piece.offset] = line.line;
  std::optional<Piece> previous = std::exchange(held_, std::move(piece));
  return !previous.has_value() || deliver(previous->offset, std::move(previous->lines), {});
}

std::map<Register, Digest> RunSync::due_registers() const {
  std::map<Register, Digest> due;
  const auto add_if_changed = [&](Register kind, const Digest& digest) {
    const auto known = state_->acknowledged.find(kind);
    if (known == state_->acknowledged.end() || known->second != digest) due[kind] = digest;
  };
  if (!run_.summary.empty()) add_if_changed(Register::kSummary, summary_digest(run_));
  if (ends(run_)) add_if_changed(Register::kEnd, end_digest(run_, state_->next_offset));
  return due;
}

bool RunSync::finish_with_registers() {
  std::optional<Piece> last = std::exchange(held_, std::nullopt);
  if (!waiting_.ok()) {
    if (last.has_value() && !deliver(last->offset, std::move(last->lines), {})) return false;
    return stop(exit_code_of_journal(waiting_), waiting_);
  }
  const std::map<Register, Digest> due = due_registers();
  if (last.has_value() && !deliver(last->offset, std::move(last->lines), due)) return false;
  if (!last.has_value() && !due.empty() && !deliver(state_->acked_offset, {}, due)) return false;
  assert(state_->acked_offset == state_->next_offset);
  report_.outcome = ends(run_) ? RunOutcome::kSynced : RunOutcome::kRunning;
  return true;
}

RunReport RunSync::take_report() {
  if (state_.has_value()) {
    report_.line_count = state_->acked_offset;
    report_.remote_entity = state_->remote_entity;
    report_.quarantined_count = state_->quarantined_count;
  }
  if (report_.quarantined_count > 0) report_.exit_code = worse(report_.exit_code, ExitCode::kQuarantined);
  return std::move(report_);
}

}  // namespace wb
