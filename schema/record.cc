// Record payloads: encoders trust their caller, decoders trust nothing.
#include "schema/record.h"

#include "schema/bytes.h"
#include "schema/limits.h"

namespace wb {
namespace {

constexpr bool is_text(ValueType type) noexcept {
  return type == ValueType::kString || type == ValueType::kJson;
}

constexpr std::size_t kMapEntryHeadBytes = 16;

}  // namespace

Result<RowView> RowView::parse(std::span<const std::byte> payload) {
  if (payload.size() < kRowHeadBytes) return Status(Code::kCorrupt, "row head");
  const std::uint64_t count = load_le<std::uint32_t>(payload.data() + 24);
  const std::uint64_t text_bytes = load_le<std::uint32_t>(payload.data() + 28);
  if (kRowHeadBytes + count * 12 + text_bytes != payload.size()) return Status(Code::kCorrupt, "row size");
  RowView row;
  row.step_ = load_le<std::int64_t>(payload.data());
  row.time_ = {load_le<std::int64_t>(payload.data() + 8), load_le<std::int64_t>(payload.data() + 16)};
  row.count_ = count;
  row.values_ = payload.data() + kRowHeadBytes;
  row.key_words_ = row.values_ + count * 8;
  row.texts_ = reinterpret_cast<const char*>(row.key_words_ + count * 4);
  for (std::size_t i = 0; i < count; ++i) {
    const auto type = static_cast<ValueType>(row.key_word_at(i) >> 28);
    if (type > ValueType::kNull) return Status(Code::kCorrupt, "row value type");
    if (!is_text(type)) continue;
    const auto place = load_le<std::uint64_t>(row.values_ + i * 8);
    if ((place & UINT32_MAX) + (place >> 32) > text_bytes) return Status(Code::kCorrupt, "row text");
  }
  return row;
}

std::uint64_t RowEncoder::place_text(std::string_view text) noexcept {
  const std::uint64_t place = text_at_ | static_cast<std::uint64_t>(text.size()) << 32;
  if (!text.empty()) std::memcpy(to_ + kRowHeadBytes + count_ * 12 + text_at_, text.data(), text.size());
  text_at_ += static_cast<std::uint32_t>(text.size());
  return place;
}

std::size_t map_bytes(std::span<const Metric> entries) noexcept {
  std::size_t bytes = 4;
  for (const Metric& entry : entries) bytes += kMapEntryHeadBytes + entry.name.size() + entry.value.text().size();
  return bytes;
}

void encode_map(std::byte* to, std::span<const Metric> entries) noexcept {
  store_le(to, static_cast<std::uint32_t>(entries.size()));
  to += 4;
  for (const Metric& entry : entries) {
    const std::string_view text = entry.value.text();
    store_le(to, static_cast<std::uint32_t>(entry.name.size()));
    store_le(to + 4, static_cast<std::uint32_t>(entry.value.type()));
    store_le(to + 8, entry.value.is_text() ? text.size() : entry.value.bits());
    to += kMapEntryHeadBytes;
    if (!entry.name.empty()) std::memcpy(to, entry.name.data(), entry.name.size());
    to += entry.name.size();
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
  }
}

Result<std::vector<Metric>> decode_map(std::span<const std::byte> payload) {
  ByteCursor cursor(payload);
  const auto count = cursor.read<std::uint32_t>();
  if (count > payload.size() / kMapEntryHeadBytes) return Status(Code::kCorrupt, "map entry count");
  std::vector<Metric> entries;
  entries.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto name_bytes = cursor.read<std::uint32_t>();
    const auto type_number = cursor.read<std::uint32_t>();
    const auto bits = cursor.read<std::uint64_t>();
    const std::string_view name = as_text(cursor.take(name_bytes));
    if (type_number > static_cast<std::uint32_t>(ValueType::kRemoved)) return Status(Code::kCorrupt, "map value type");
    const auto type = static_cast<ValueType>(type_number);
    Value value = Value::of(type, bits);
    if (is_text(type)) {
      const std::string_view text = as_text(cursor.take(bits));
      value = type == ValueType::kJson ? Value::json(text) : Value(text);
    }
    if (!cursor.ok()) return Status(Code::kCorrupt, "map entry");
    entries.push_back({name, value});
  }
  if (!cursor.ok() || cursor.left() != 0) return Status(Code::kCorrupt, "map size");
  return entries;
}

std::optional<Value> map_value(std::span<const Metric> entries, std::string_view name) noexcept {
  for (const Metric& entry : entries) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

void encode_key(std::byte* to, std::uint32_t index, std::string_view name) noexcept {
  store_le(to, index);
  std::memcpy(to + 4, name.data(), name.size());
}

Result<KeyRecord> decode_key(std::span<const std::byte> payload) {
  if (payload.size() < 5 || payload.size() > 4 + kKeyBytesMax) return Status(Code::kCorrupt, "key record size");
  const auto index = load_le<std::uint32_t>(payload.data());
  if (index >= kKeyCountMax) return Status(Code::kCorrupt, "key index");
  return KeyRecord{index, as_text(payload.subspan(4))};
}

void encode_finish(std::byte* to, const FinishRecord& record) noexcept {
  store_le(to, record.exit_code);
  store_le(to + 4, std::uint32_t{0});
  store_le(to + 8, record.time.mono_ns);
  store_le(to + 16, record.time.wall_offset_us);
}

Result<FinishRecord> decode_finish(std::span<const std::byte> payload) {
  if (payload.size() != kFinishRecordBytes) return Status(Code::kCorrupt, "finish record size");
  return FinishRecord{load_le<std::int32_t>(payload.data()),
                      {load_le<std::int64_t>(payload.data() + 8), load_le<std::int64_t>(payload.data() + 16)}};
}

void encode_heartbeat(std::byte* to, const HeartbeatRecord& record) noexcept {
  store_le(to, record.time.mono_ns);
  store_le(to + 8, record.time.wall_offset_us);
  store_le(to + 16, record.written_sequence);
}

Result<HeartbeatRecord> decode_heartbeat(std::span<const std::byte> payload) {
  if (payload.size() != kHeartbeatRecordBytes) return Status(Code::kCorrupt, "heartbeat record size");
  return HeartbeatRecord{{load_le<std::int64_t>(payload.data()), load_le<std::int64_t>(payload.data() + 8)},
                         load_le<std::uint64_t>(payload.data() + 16)};
}

}  // namespace wb
