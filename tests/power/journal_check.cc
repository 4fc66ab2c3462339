// Every frame is looked at as it comes from the reader.
#include "tests/power/journal_check.h"

#include <map>
#include <set>

#include "schema/journal/journal_reader.h"
#include "schema/record.h"
#include "tests/power/rows.h"

namespace wb::test {
namespace {

bool is_equal(const Value& left, const Value& right) {
  return left.type() == right.type() && left.bits() == right.bits() && left.text() == right.text();
}

class Check {
 public:
  Check(std::uint64_t seed, Holes holes) : seed_(seed), holes_(holes) {}

  void add(const Frame& frame) {
    if (frame.source == Source::kKeeper) {
      if (!keeper_.insert(frame.sequence).second) fault("twice: keeper record", frame.sequence);
      return;
    }
    if (frame.sequence <= found.last_sequence) fault("twice or out of order: trainer record", frame.sequence);
    for (std::uint64_t lost = found.last_sequence + 1; lost < frame.sequence; ++lost) missing_.insert(lost);
    found.last_sequence = frame.sequence;
    if (missing_.empty()) found.sequence = frame.sequence;
    if (frame.kind == Kind::kKey) add_key(frame);
    if (frame.kind == Kind::kRow) add_row(frame);
  }

  void end(const JournalScan& scan) {
    found.is_ended = !scan.ends_open;
    std::set<std::uint64_t> named;
    for (const Damage& damage : scan.damage) {
      found.damage += damage.path + " at " + std::to_string(damage.offset_bytes) + ": " + damage.what + "\n";
      for (std::uint64_t lost = damage.first_missing; lost != 0 && lost <= damage.last_missing; ++lost) {
        named.insert(lost);
      }
    }
    if (named != missing_) fault("missing and not named, or named and there: as many as", missing_.size());
    if (holes_ == Holes::kNamed) return;
    if (!missing_.empty()) fault("missing: trainer record", *missing_.begin());
    if (!keeper_.empty() && *keeper_.rbegin() != keeper_.size()) {
      fault("missing: keeper records below", *keeper_.rbegin());
    }
  }

  void expect(const Acknowledged& acknowledged) {
    if (found.sequence < acknowledged.sequence) fault("lost: durable trainer record", acknowledged.sequence);
    if (found.rows < acknowledged.rows) fault("lost: flushed row", acknowledged.rows - 1);
    if (acknowledged.finish && !found.is_ended) fault("lost: the end, with all records up to", found.sequence);
  }

  JournalFound found;

 private:
  void add_key(const Frame& frame) {
    const auto key = decode_key(frame.payload);
    if (!key.ok()) return fault("unreadable key", frame.sequence);
    keys_[key.value().index] = key.value().name;
  }

  void add_row(const Frame& frame) {
    const auto row = RowView::parse(frame.payload);
    if (!row.ok() || row.value().size() == 0) return fault("unreadable row", frame.sequence);
    const std::uint64_t number = row.value().value(0).bits();  // Metric "n".
    if (number < next_row_ || (missing_.empty() && number > next_row_)) return fault("wrong row", number);
    next_row_ = number + 1;
    if (missing_.empty()) found.rows = next_row_;
    const TestRow expected(seed_, number);
    const auto metrics = expected.metrics();
    if (row.value().size() != metrics.size()) return fault("wrong row", number);
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      const auto key = keys_.find(row.value().key_index(i));
      const bool is_named = key == keys_.end() ? !missing_.empty() : key->second == metrics[i].name;
      if (!is_named || !is_equal(row.value().value(i), metrics[i].value)) return fault("wrong value in row", number);
    }
  }

  void fault(const std::string& what, std::uint64_t number) {
    if (found.fault.empty()) found.fault = what + " " + std::to_string(number);
  }

  std::uint64_t seed_;
  Holes holes_;
  std::map<std::uint32_t, std::string> keys_;
  std::set<std::uint64_t> keeper_;
  std::set<std::uint64_t> missing_;  // Of the trainer's records.
  std::uint64_t next_row_ = 0;
};

}  // namespace

JournalFound check_journal(const std::string& run_directory, std::uint64_t seed, const Acknowledged& acknowledged,
                           Holes holes) {
  Check check(seed, holes);
  const auto journals = list_journals(run_directory);
  if (journals.ok() && journals.value().size() == 1) {
    const auto scan = read_journal(journals.value()[0], 0, [&](const Frame& frame) {
      check.add(frame);
      return true;
    });
    if (scan.ok()) {
      check.end(scan.value());
    } else {
      check.found.damage = scan.status().message();
    }
  }
  check.expect(acknowledged);
  return check.found;
}

}  // namespace wb::test
