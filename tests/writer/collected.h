// Collected: the records of a ring or a journal, copied, with metrics by name.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schema/frame.h"
#include "schema/journal/journal_reader.h"
#include "schema/record.h"
#include "writer/ring.h"

namespace wb::test {

struct CollectedValue {
  ValueType type = ValueType::kNull;
  std::uint64_t bits = 0;
  std::string text;
  double number() const { return Value::of(type, bits).as_double(); }
};

struct CollectedRow {
  std::int64_t step = 0;
  std::uint8_t flags = 0;
  Timestamp time;
  std::map<std::string, CollectedValue> metrics;
};

/// Fed with frames in order; a test failure if one cannot be decoded.
struct Collected {
  std::vector<CollectedRow> rows;
  std::vector<std::uint64_t> sequences;  ///< Of the trainer's records.
  std::map<Kind, int> kinds;
  std::map<std::string, CollectedValue> run;  ///< Fields of the run, later records over earlier ones.
  std::map<std::string, CollectedValue> config;
  std::map<std::string, CollectedValue> summary;
  std::map<std::string, CollectedValue> metric;  ///< Of the last define_metric.
  std::vector<std::map<std::string, CollectedValue>> gaps;
  std::vector<std::pair<FinishRecord, std::uint8_t>> finishes;
  std::map<std::uint32_t, std::string> keys;

  void add(const Frame& frame) {
    ++kinds[frame.kind];
    if (frame.source == Source::kTrainer) sequences.push_back(frame.sequence);
    switch (frame.kind) {
      case Kind::kRun:
        return add_map(frame, run);
      case Kind::kConfig:
        return add_map(frame, config);
      case Kind::kSummary:
        return add_map(frame, summary);
      case Kind::kMetric:
        metric.clear();
        return add_map(frame, metric);
      case Kind::kGap:
        return add_map(frame, gaps.emplace_back());
      case Kind::kKey: {
        const auto key = decode_key(frame.payload);
        ASSERT_TRUE(key.ok());
        ASSERT_TRUE(keys.emplace(key.value().index, key.value().name).second) << "a key was announced twice";
        return;
      }
      case Kind::kFinish: {
        const auto finish = decode_finish(frame.payload);
        ASSERT_TRUE(finish.ok());
        finishes.emplace_back(finish.value(), frame.flags);
        return;
      }
      case Kind::kRow:
        return add_row(frame);
      default:
        return;
    }
  }

 private:
  static CollectedValue copy(const Value& value) { return {value.type(), value.bits(), std::string(value.text())}; }

  static void add_map(const Frame& frame, std::map<std::string, CollectedValue>& to) {
    const auto entries = decode_map(frame.payload);
    ASSERT_TRUE(entries.ok());
    for (const Metric& entry : entries.value()) to[std::string(entry.name)] = copy(entry.value);
  }

  void add_row(const Frame& frame) {
    const auto row = RowView::parse(frame.payload);
    ASSERT_TRUE(row.ok()) << row.status().message();
    CollectedRow& to = rows.emplace_back(CollectedRow{row.value().step(), frame.flags, row.value().time(), {}});
    for (std::size_t i = 0; i < row.value().size(); ++i) {
      const auto key = keys.find(row.value().key_index(i));
      ASSERT_NE(key, keys.end()) << "a row uses a key that was not announced before it";
      to.metrics[key->second] = copy(row.value().value(i));
    }
  }
};

/// The records that lie in the ring from offset `from` on.
inline Collected collect(const Ring& ring, std::uint64_t from = 0) {
  Collected collected;
  Uuid journal;
  std::memcpy(journal.bytes.data(), ring.header().identity.journal_uuid, journal.bytes.size());
  const std::uint64_t head = ring.header().producer.head.load(std::memory_order_acquire);
  while (from < head) {
    const std::byte* const at = ring.data() + (from & (ring.data_bytes() - 1));
    const auto frame = read_frame({at, static_cast<std::size_t>(head - from)}, journal.salt());
    EXPECT_TRUE(frame.ok()) << frame.status().message();
    if (!frame.ok()) break;
    collected.add(frame.value());
    from += frame_bytes(frame.value().payload.size());
  }
  return collected;
}

/// The records of the journal `stem` in `directory`.
inline Collected collect(const std::string& directory, const std::string& stem) {
  Collected collected;
  const auto journals = list_journals(directory);
  EXPECT_TRUE(journals.ok());
  if (!journals.ok()) return collected;
  for (const JournalFiles& files : journals.value()) {
    if (files.stem != stem) continue;
    const auto scan = read_journal(files, 0, [&](const Frame& frame) {
      collected.add(frame);
      return true;
    });
    EXPECT_TRUE(scan.ok());
    if (scan.ok()) {
      EXPECT_TRUE(scan.value().damage.empty());
    }
    return collected;
  }
  ADD_FAILURE() << "no journal " << stem << " in " << directory;
  return collected;
}

}  // namespace wb::test
