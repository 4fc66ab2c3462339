// Record JSON: decodes each kind of payload for people and for comparison with other readers.
#include "sync/record_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "schema/bytes.h"
#include "schema/record.h"
#include "sync/json.h"

namespace wb {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 22> kKindNames = {{{Kind::kRun, "run"},
                                                                           {Kind::kKey, "key"},
                                                                           {Kind::kRow, "row"},
                                                                           {Kind::kConfig, "config"},
                                                                           {Kind::kSummary, "summary"},
                                                                           {Kind::kMetric, "metric"},
                                                                           {Kind::kFinish, "finish"},
                                                                           {Kind::kConsole, "console"},
                                                                           {Kind::kStats, "stats"},
                                                                           {Kind::kChunk, "chunk"},
                                                                           {Kind::kFile, "file"},
                                                                           {Kind::kArtifact, "artifact"},
                                                                           {Kind::kAlert, "alert"},
                                                                           {Kind::kMark, "mark"},
                                                                           {Kind::kException, "exception"},
                                                                           {Kind::kGap, "gap"},
                                                                           {Kind::kHeartbeat, "heartbeat"},
                                                                           {Kind::kDeath, "death"},
                                                                           {Kind::kTailEnd, "tail_end"},
                                                                           {Kind::kSignal, "signal"},
                                                                           {Kind::kSnapshot, "snapshot"},
                                                                           {Kind::kKeySnapshot, "key_snapshot"}}};

/// What a payload says, ready to be put into the line.
struct Decoded {
  std::optional<Timestamp> time;
  std::optional<std::int64_t> step;
  std::string data = "null";
};

void append_exact_double(std::string& out, double value) {
  if (!std::isfinite(value)) return append_json_double(out, value);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_exact_value(std::string& out, const Value& value) {
  switch (value.type()) {
    case ValueType::kFloat64:
      return append_exact_double(out, value.as_double());
    case ValueType::kUint64:
      return append_json_uint(out, value.bits());
    default:
      return append_json_value(out, value);
  }
}

/// Appends ,"name": or {"name": and the value.
void append_member(std::string& out, std::string_view name, const Value& value) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, name);
  out += ':';
  append_exact_value(out, value);
}

std::string closed(std::string object) {
  return object.empty() ? "{}" : object + "}";
}

Decoded decode_row(const JournalModel& journal, const Frame& frame) {
  const Result<RowView> row = RowView::parse(frame.payload);
  if (!row.ok()) return {};
  std::string data;
  for (std::size_t i = 0; i < row.value().size(); ++i) {
    append_member(data, journal.keys.name(row.value().key_index(i)), row.value().value(i));
  }
  return {row.value().time(), row.value().step(), closed(std::move(data))};
}

Decoded decode_entries(const Frame& frame) {
  const Result<std::vector<Metric>> entries = decode_map(frame.payload);
  if (!entries.ok()) return {};
  Decoded decoded;
  std::string data;
  for (const Metric& entry : entries.value()) append_member(data, entry.name, entry.value);
  decoded.data = closed(std::move(data));
  const auto mono_ns = map_value(entries.value(), "mono_ns");
  const auto offset_us = map_value(entries.value(), "wall_offset_us");
  if (mono_ns && offset_us) decoded.time = Timestamp{mono_ns->as_int64(), offset_us->as_int64()};
  return decoded;
}

Decoded decode_key_record(const Frame& frame) {
  const Result<KeyRecord> key = decode_key(frame.payload);
  if (!key.ok()) return {};
  std::string data;
  append_member(data, "index", Value(key.value().index));
  append_member(data, "name", Value(key.value().name));
  return {std::nullopt, std::nullopt, closed(std::move(data))};
}

Decoded decode_fixed(const Frame& frame) {
  std::string data;
  if (frame.kind == Kind::kFinish) {
    const Result<FinishRecord> record = decode_finish(frame.payload);
    if (!record.ok()) return {};
    append_member(data, "exit_code", Value(record.value().exit_code));
    return {record.value().time, std::nullopt, closed(std::move(data))};
  }
  if (frame.kind == Kind::kHeartbeat) {
    const Result<HeartbeatRecord> record = decode_heartbeat(frame.payload);
    if (!record.ok()) return {};
    append_member(data, "written_sequence", Value(record.value().written_sequence));
    return {record.value().time, std::nullopt, closed(std::move(data))};
  }
  if (frame.payload.size() != 8) return {};
  append_member(data, "final", Value(load_le<std::uint32_t>(frame.payload.data()) == 1));
  return {std::nullopt, std::nullopt, closed(std::move(data))};
}

Decoded decode(const JournalModel& journal, const Frame& frame) {
  switch (frame.kind) {
    case Kind::kRow:
      return decode_row(journal, frame);
    case Kind::kKey:
    case Kind::kKeySnapshot:
      return decode_key_record(frame);
    case Kind::kFinish:
    case Kind::kHeartbeat:
    case Kind::kTailEnd:
      return decode_fixed(frame);
    default:
      return decode_entries(frame);
  }
}

/// Seconds with 6 decimals, from integers: no digit is lost to float64.
std::string seconds_text(std::int64_t wall_us) {
  const std::uint64_t us = wall_us < 0 ? 0 - static_cast<std::uint64_t>(wall_us) : static_cast<std::uint64_t>(wall_us);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s%llu.%06llu", wall_us < 0 ? "-" : "",
                static_cast<unsigned long long>(us / 1'000'000), static_cast<unsigned long long>(us % 1'000'000));
  return text.data();
}

}  // namespace

std::string kind_name(Kind kind) {
  for (const auto& [known, name] : kKindNames) {
    if (known == kind) return std::string(name);
  }
  return "kind" + std::to_string(static_cast<int>(kind));
}

std::optional<Kind> kind_of_name(std::string_view name) {
  for (const auto& [kind, known] : kKindNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::string record_json(const JournalModel& journal, const Frame& frame) {
  const Decoded decoded = decode(journal, frame);
  std::string line = "{\"run\":" + json_string(journal.run_id);
  line += ",\"rank\":" + std::to_string(journal.rank);
  line += ",\"attempt\":" + std::to_string(journal.attempt);
  line += frame.source == Source::kKeeper ? ",\"source\":\"keeper\"" : ",\"source\":\"trainer\"";
  line += ",\"seq\":" + std::to_string(frame.sequence);
  line += ",\"time\":" + (decoded.time ? seconds_text(decoded.time->wall_us()) : "null");
  line += ",\"step\":" + (decoded.step ? std::to_string(*decoded.step) : "null");
  line += ",\"kind\":\"" + kind_name(frame.kind);
  line += "\",\"flags\":" + std::to_string(static_cast<int>(frame.flags));
  line += ",\"data\":" + decoded.data + "}";
  return line;
}

}  // namespace wb
