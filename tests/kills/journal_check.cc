// One pass over the records; the rows' parts are compared as they come.
#include "tests/kills/journal_check.h"

#include <unordered_map>

#include "schema/journal/journal_reader.h"
#include "schema/record.h"

namespace wb::test {
namespace {

constexpr std::size_t kErrorsMax = 5;

bool is_same(const Value& left, const Value& right) {
  return left.type() == right.type() && left.bits() == right.bits() && left.text() == right.text();
}

class Checker {
 public:
  explicit Checker(const RankBoard& board)
      : board_(board), maker_(board.seed.load()), next_row_(board.first_row.load()) {}

  void visit(const Frame& frame) {
    if (frame.source == Source::kTrainer) take_sequence(frame.sequence);
    switch (frame.kind) {
      case Kind::kKey:
        return take_key(frame);
      case Kind::kRow:
        return take_row(frame);
      case Kind::kFinish:
        ++verdict_.finish_count;
        return;
      case Kind::kDeath:
        ++verdict_.death_count;
        return;
      case Kind::kSignal:
        ++verdict_.signal_count;
        return;
      case Kind::kGap:
        return take_gap(frame);
      default:
        return;
    }
  }

  JournalVerdict end(const JournalScan& scan) {
    for (const Damage& damage : scan.damage) error("damage: " + damage.path + ": " + damage.what);
    verdict_.ends_open = scan.ends_open;
    verdict_.tail_count = scan.tail_count;
    verdict_.last_sequence = last_sequence_;
    count_lost_from(next_row_);
    return std::move(verdict_);
  }

  void error(const std::string& text) {
    if (verdict_.errors.size() < kErrorsMax) verdict_.errors.push_back(text);
  }

  /// Accepted rows from `row` on are not there.
  void count_lost_from(std::uint64_t row) {
    for (; row < board_.begun_count.load(); ++row) {
      if (!board_.is_accepted(row)) continue;
      if (verdict_.lost_count++ == 0) verdict_.first_lost_row = row;
    }
  }

 private:
  void take_sequence(std::uint64_t sequence) {
    if (sequence != last_sequence_ + 1) {
      error("record " + std::to_string(sequence) + " comes after record " + std::to_string(last_sequence_));
    }
    last_sequence_ = sequence;
  }

  void take_key(const Frame& frame) {
    const auto key = decode_key(frame.payload);
    if (!key.ok()) return error("a key does not decode");
    names_[key.value().index] = key.value().name;
  }

  void take_gap(const Frame& frame) {
    const auto entries = decode_map(frame.payload);
    const auto count = entries.ok() ? map_value(entries.value(), "count") : std::nullopt;
    if (!count) return error("a gap record does not decode");
    verdict_.dropped_count += static_cast<std::uint64_t>(count->as_int64());
  }

  void take_row(const Frame& frame) {
    const auto part = RowView::parse(frame.payload);
    if (!part.ok()) return error("record " + std::to_string(frame.sequence) + ": " + part.status().message());
    const auto row = static_cast<std::uint64_t>(part.value().step());
    if (metric_at_ == 0) begin_row(row);
    if (row != row_) return error("row " + std::to_string(row) + " within row " + std::to_string(row_));
    for (std::size_t i = 0; i < part.value().size(); ++i, ++metric_at_) {
      const auto name = names_.find(part.value().key_index(i));
      const bool is_right = metric_at_ < expected_.size() && name != names_.end() &&
                            name->second == expected_[metric_at_].name &&
                            is_same(part.value().value(i), expected_[metric_at_].value);
      if (!is_right) return error("row " + std::to_string(row) + ": metric " + std::to_string(metric_at_) + " differs");
    }
    if ((frame.flags & kRowCommit) == 0) return;
    if (metric_at_ != expected_.size()) error("row " + std::to_string(row) + " is complete without all its metrics");
    end_row();
  }

  /// Rows between the last one and this must have been refused.
  void begin_row(std::uint64_t row) {
    if (row < next_row_ || row >= board_.begun_count.load()) {
      error("row " + std::to_string(row) + " where row " + std::to_string(next_row_) + " or a later one was expected");
    }
    for (std::uint64_t skipped = next_row_; skipped < row; ++skipped) {
      if (board_.is_accepted(skipped)) error("row " + std::to_string(skipped) + " was accepted and is left out");
    }
    row_ = row;
    expected_ = maker_.row(row);
  }

  void end_row() {
    if (!board_.is_accepted(row_) && row_ + 1 != board_.begun_count.load()) {
      error("row " + std::to_string(row_) + " was refused and is there");
    }
    ++verdict_.read_count;
    next_row_ = row_ + 1;
    metric_at_ = 0;
  }

  const RankBoard& board_;
  RowMaker maker_;
  JournalVerdict verdict_;
  std::unordered_map<std::uint32_t, std::string> names_;
  std::span<const Metric> expected_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t row_ = 0;
  std::uint64_t next_row_;
  std::size_t metric_at_ = 0;  // Of the row that is not complete yet.
};

}  // namespace

JournalVerdict check_journal(const std::string& directory, const std::string& stem, const RankBoard& board) {
  Checker checker(board);
  const auto journals = list_journals(directory);
  if (journals.ok()) {
    for (const JournalFiles& files : journals.value()) {
      if (files.stem != stem) continue;
      const auto scan = read_journal(files, 0, [&](const Frame& frame) {
        checker.visit(frame);
        return true;
      });
      if (!scan.ok()) checker.error("cannot be read: " + scan.status().message());
      return checker.end(scan.ok() ? scan.value() : JournalScan{});
    }
  }
  return checker.end(JournalScan{});
}

}  // namespace wb::test
