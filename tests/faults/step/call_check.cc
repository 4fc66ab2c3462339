// The check walks the calls beside the records; the first difference is told and ends it.
#include "tests/faults/step/call_check.h"

#include <algorithm>
#include <utility>

#include "schema/crc32c.h"
#include "schema/journal/journal_reader.h"

namespace wb::test {

CallCheck::CallCheck(const Program& program, const CallBoard& board)
    : program_(program), begun_(board.begun.load(std::memory_order_acquire)) {
  outcomes_.resize(begun_);
  for (std::size_t i = 0; i < begun_; ++i) outcomes_[i] = board.outcome[i].load(std::memory_order_acquire);
}

void CallCheck::fail(std::string what) {
  if (verdict_.fault.empty()) verdict_.fault = std::move(what);
}

void CallCheck::take(const Frame& frame) {
  if (frame.source == Source::kKeeper) {
    if (frame.kind == Kind::kGap) take_gap(frame);
    if (frame.kind == Kind::kDeath) ++death_count_;
    return;
  }
  if (frame.sequence != next_sequence_) {
    fail("record " + std::to_string(frame.sequence) + " stands where " + std::to_string(next_sequence_) + " belongs");
  }
  next_sequence_ = frame.sequence + 1;
  ++verdict_.record_count;
  const std::uint8_t kind_and_flags[] = {static_cast<std::uint8_t>(frame.kind), frame.flags};
  verdict_.digest = crc32c(crc32c(verdict_.digest, std::as_bytes(std::span(kind_and_flags))), frame.payload);
  if (has_finish_) fail("a record behind the finish record");
  if (frame.kind == Kind::kRow) take_row(frame);
  if (frame.kind == Kind::kSummary) take_summary(frame);
  if (frame.kind == Kind::kKey) take_key(frame);
  if (frame.kind == Kind::kFinish) take_finish(frame);
}

/// The call whose record must come next: refused calls have none.
const Call* CallCheck::next_record() {
  const auto has_none = [&] {
    return !program_.calls[next_call_].is_record() || outcomes_[next_call_] == CallBoard::kRefused;
  };
  while (next_call_ < begun_ && has_none()) ++next_call_;
  if (next_call_ < begun_) return &program_.calls[next_call_];
  fail("a record that was never logged");
  return nullptr;
}

void CallCheck::complete_record() {
  verdict_.has_one_beyond = outcomes_[next_call_] == CallBoard::kNone;
  ++next_call_;
  part_at_ = 0;
}

bool CallCheck::is_same(const Metric& metric, std::string_view name, const Value& value) const {
  return metric.name == name && metric.value.type() == value.type() && metric.value.bits() == value.bits() &&
         metric.value.text() == value.text();
}

void CallCheck::take_row(const Frame& frame) {
  const auto row = RowView::parse(frame.payload);
  if (!row.ok()) return fail("a row that does not parse");
  const Call* const call = next_record();
  if (call == nullptr) return;
  const std::string where = "call " + std::to_string(next_call_) + ": ";
  if (call->kind == Call::Kind::kSummary || row.value().step() != call->step) return fail(where + "another row came");
  const std::int64_t mono_ns = row.value().time().mono_ns;
  if (mono_ns < last_mono_ns_ || mono_ns % 1000 != 0) fail(where + "its time");
  last_mono_ns_ = mono_ns;
  if (row.value().size() > call->metrics.size() - part_at_) return fail(where + "too many metrics");
  for (std::size_t i = 0; i < row.value().size(); ++i) {
    const std::uint32_t key = row.value().key_index(i);
    const std::string_view name = key < keys_.size() ? std::string_view(keys_[key]) : std::string_view();
    if (!is_same(call->metrics[part_at_ + i], name, row.value().value(i))) {
      return fail(where + "metric " + std::to_string(part_at_ + i) + " is not what was logged");
    }
  }
  part_at_ += row.value().size();
  const bool is_last = part_at_ == call->metrics.size();
  if (frame.flags != (is_last ? call->flags : call->flags & ~kRowCommit)) fail(where + "its flags");
  if (is_last) complete_record();
}

void CallCheck::take_summary(const Frame& frame) {
  const auto entries = decode_map(frame.payload);
  const Call* const call = next_record();
  if (call == nullptr) return;
  const bool is_right =
      entries.ok() && call->kind == Call::Kind::kSummary &&
      std::equal(entries.value().begin(), entries.value().end(), call->metrics.begin(), call->metrics.end(),
                 [this](const Metric& got, const Metric& logged) { return is_same(logged, got.name, got.value); });
  if (!is_right) return fail("call " + std::to_string(next_call_) + ": the summary is not what was logged");
  complete_record();
}

void CallCheck::take_key(const Frame& frame) {
  const auto key = decode_key(frame.payload);
  if (!key.ok() || key.value().index != keys_.size()) return fail("a key record out of order");
  keys_.emplace_back(key.value().name);
  if (!key_names_.insert(keys_.back()).second) fail("a key that was announced twice");
}

void CallCheck::take_finish(const Frame& frame) {
  has_finish_ = true;
  const auto finish = decode_finish(frame.payload);
  const bool is_begun = begun_ > 0 && std::any_of(program_.calls.begin(), program_.calls.begin() + begun_,
                                                  [](auto& c) { return c.kind == Call::Kind::kFinish; });
  if (!finish.ok() || finish.value().exit_code != 7 || frame.flags != 0 || !is_begun) fail("the finish record");
}

void CallCheck::take_gap(const Frame& frame) {
  const auto entries = decode_map(frame.payload);
  if (!entries.ok()) return fail("a gap record that does not parse");
  const auto number = [&](std::string_view name) {
    const auto value = map_value(entries.value(), name);
    return value ? value->as_int64() : -1;
  };
  gap_count_ += static_cast<std::uint64_t>(number("count"));
  const std::int64_t first = number("first_step");
  gap_first_step_ = std::min(gap_first_step_.value_or(first), first);
  gap_last_step_ = std::max(gap_last_step_, number("last_step"));
}

void CallCheck::check_calls() {
  if (part_at_ > 0) fail("call " + std::to_string(next_call_) + ": a part of its row is missing");
  for (std::size_t i = next_call_; i < begun_; ++i) {
    if (program_.calls[i].is_record() && outcomes_[i] == CallBoard::kAccepted) {
      return fail("call " + std::to_string(i) + ": it was accepted and is lost");
    }
  }
  for (std::size_t i = 0; i < begun_; ++i) {
    const Call& call = program_.calls[i];
    if (outcomes_[i] != CallBoard::kAccepted) continue;
    if (call.kind == Call::Kind::kFinish && !has_finish_) fail("the finish record is lost");
    if (call.kind == Call::Kind::kKey && !key_names_.contains(std::string(call.metrics[0].name))) {
      fail("call " + std::to_string(i) + ": the key record is lost");
    }
  }
}

/// The gap records name the refused rows, and no others; a row that is being refused may be among them.
void CallCheck::check_gaps() {
  std::uint64_t refused_count = 0;
  std::int64_t first_step = 0;
  std::int64_t last_step = 0;
  bool is_finished = false;
  for (std::size_t i = 0; i < begun_; ++i) {
    const Call& call = program_.calls[i];
    is_finished = is_finished || call.kind == Call::Kind::kFinish;
    if (outcomes_[i] != CallBoard::kRefused || is_finished || !call.is_row()) continue;
    if (refused_count++ == 0) first_step = call.step;
    last_step = call.step;
  }
  const bool may_be_one_more = begun_ > 0 && outcomes_.back() == CallBoard::kNone;
  if (gap_count_ != refused_count && !(may_be_one_more && gap_count_ == refused_count + 1)) {
    return fail(std::to_string(gap_count_) + " rows are named in gap records, " + std::to_string(refused_count) +
                " were refused");
  }
  const bool is_exact = gap_count_ == refused_count && gap_count_ > 0 && !may_be_one_more;
  if (is_exact && (gap_first_step_ != first_step || gap_last_step_ != last_step)) fail("the steps of the gap records");
}

Verdict CallCheck::conclude(bool has_damage, bool ends_open) {
  check_calls();
  check_gaps();
  if (has_damage) fail("the reader reports damage");
  if (ends_open) fail("the journal has no end");
  if (death_count_ != (has_finish_ ? 0 : 1)) fail(std::to_string(death_count_) + " death records");
  return verdict_;
}

Verdict check_journal(const std::string& directory, const Program& program, const CallBoard& board) {
  const auto journals = list_journals(directory);
  if (!journals.ok() || journals.value().size() != 1) return {.fault = "there is no journal"};
  CallCheck check(program, board);
  const auto scan = read_journal(journals.value()[0], 0, [&](const Frame& frame) {
    check.take(frame);
    return true;
  });
  if (!scan.ok()) return {.fault = "the journal cannot be read: " + scan.status().message()};
  return check.conclude(!scan.value().damage.empty(), scan.value().ends_open);
}

}  // namespace wb::test
