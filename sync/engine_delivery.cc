// How a run's lines and registers reach the target: acknowledged in order, refused lines found by halving.
#include <cassert>
#include <iterator>

#include "sync/engine_quarantine.h"
#include "sync/engine_run.h"

namespace wb {
namespace {

using Registers = std::map<Register, Digest>;

}  // namespace

Status RunSync::send(std::uint64_t offset, const std::vector<std::string>& lines, const Registers& registers) {
  report_.changed = true;
  return courier_.deliver(run_, remote_,
                          {.history_offset = offset,
                           .lines = lines.empty() ? nullptr : &lines,
                           .with_summary = registers.contains(Register::kSummary),
                           .with_end = registers.contains(Register::kEnd)});
}

bool RunSync::acknowledge(std::uint64_t offset, std::size_t count, const Registers& registers) {
  // I5: only after the server's 2xx for exactly these lines.
  const Status status = ledger_.acknowledge(*state_, offset, offset + count, registers);
  if (!status.ok()) {
    return stop(status.code() == Code::kInternal ? ExitCode::kInternal : ExitCode::kNoState, status);
  }
  state_->acked_offset = offset + count;
  for (const auto& [kind, digest] : registers) state_->acknowledged[kind] = digest;
  report_.sent_count += count;
  counters_.lines_done.fetch_add(count, std::memory_order_relaxed);
  return true;
}

bool RunSync::deliver(std::uint64_t offset, std::vector<std::string> lines, const Registers& registers) {
  // I4: a line leaves only when all before it are acknowledged.
  assert(offset == state_->acked_offset);
#ifdef WB_MUTANT_ACK_BEFORE_SEND
  if (!acknowledge(offset, lines.size(), registers)) return false;
  return send(offset, lines, registers).ok();
#endif
  const Status status = send(offset, lines, registers);
  if (status.ok()) return acknowledge(offset, lines.size(), registers);
  if (status.code() == Code::kRejected) return deliver_refused(offset, std::move(lines), registers, status);
  return stop_for(status);
}

// The server refuses something in this request for good: tell the registers from the lines, then halve the lines.
bool RunSync::deliver_refused(std::uint64_t offset, std::vector<std::string> lines, const Registers& registers,
                              const Status& refusal) {
  if (lines.empty()) return deliver_registers_apart(registers, refusal);
  if (!registers.empty()) {
    return deliver(offset, std::move(lines), {}) && deliver(state_->acked_offset, {}, registers);
  }
  if (lines.size() == 1) return deliver_quarantined(offset, lines.front(), refusal);
  const auto middle = lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2);
  std::vector<std::string> second(std::make_move_iterator(middle), std::make_move_iterator(lines.end()));
  lines.erase(middle, lines.end());
  const std::uint64_t second_offset = offset + lines.size();
  return deliver(offset, std::move(lines), {}) && deliver(second_offset, std::move(second), {});
}

bool RunSync::deliver_registers_apart(const Registers& registers, const Status& refusal) {
  // The end is short and plain: a server that refuses it refuses everything.
  const auto end = registers.find(Register::kEnd);
  if (registers.size() == 1 || end == registers.end()) return stop_for(refusal);
  if (!deliver(state_->acked_offset, {}, {*end})) return false;
  return stop(ExitCode::kQuarantined, {Code::kRejected, "the server refuses the summary of run " + run_.id + ": " +
                                                            refusal.message() + "; its rows and its end were taken"});
}

bool RunSync::deliver_quarantined(std::uint64_t offset, const std::string& line, const Status& refusal) {
  // An empty request first: a server that refuses that too does not mean this line.
  if (const Status probe = send(offset, {}, {}); !probe.ok()) return stop_for(probe);
  if (++quarantined_now_ > kQuarantineCountMax) {
    return stop(ExitCode::kQuarantined,
                {Code::kRejected, "the server refuses more than " + std::to_string(kQuarantineCountMax) +
                                      " rows of run " + run_.id + ": " + refusal.message()});
  }
  const std::optional<std::string> substitute = quarantine_line(line);
  if (!substitute.has_value()) return stop(ExitCode::kInternal, {Code::kInternal, "a row without _step"});
  if (*substitute == line) return stop_for(refusal);  // What stands there already is refused too.
  // I1, I2: what stands at this offset from now on, committed before it leaves.
  const Status status = ledger_.quarantine(
      state_->stream,
      {.offset = offset, .refused_hash = hash_lines({line}), .reason = refusal.message(), .line = *substitute});
  if (!status.ok()) {
    return stop(status.code() == Code::kInternal ? ExitCode::kInternal : ExitCode::kNoState, status);
  }
  ++state_->quarantined_count;
  const Status sent = send(offset, {*substitute}, {});
  return sent.ok() ? acknowledge(offset, 1, {}) : stop_for(sent);
}

}  // namespace wb
