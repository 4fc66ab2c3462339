// Gathering and repeating the run's fields and keys.
#include "writer/tail_snapshot.h"

#include "schema/limits.h"
#include "schema/record.h"

namespace wb {
namespace {

constexpr std::size_t kSnapshotFrameBytes = 64 * 1024;  // Fields are grouped into frames of about this size.

}  // namespace

void TailSnapshot::observe(const Frame& frame) {
  if (frame.kind == Kind::kRun || frame.kind == Kind::kSnapshot) {
    const auto entries = decode_map(frame.payload);
    if (!entries.ok()) return;
    for (const Metric& entry : entries.value()) {
      fields_.insert_or_assign(std::string(entry.name),
                               Field{entry.value.type(), entry.value.bits(), std::string(entry.value.text())});
    }
  } else if (frame.kind == Kind::kKey || frame.kind == Kind::kKeySnapshot) {
    const auto key = decode_key(frame.payload);
    if (!key.ok() || key.value().index < next_key_index_) return;
    keys_.emplace_back(key.value().index, std::string(key.value().name));
    next_key_index_ = key.value().index + 1;
  }
}

void TailSnapshot::emit(const std::function<void(Kind, std::span<const std::byte>)>& sink) const {
  std::vector<std::byte> payload;
  std::vector<Metric> entries;
  const auto flush = [&] {
    payload.resize(map_bytes(entries));
    encode_map(payload.data(), entries);
    sink(Kind::kSnapshot, payload);
    entries.clear();
  };
  for (const auto& [name, field] : fields_) {
    Value value = Value::of(field.type, field.bits);
    if (field.type == ValueType::kString) value = Value(std::string_view(field.text));
    if (field.type == ValueType::kJson) value = Value::json(field.text);
    entries.push_back({name, value});
    if (map_bytes(entries) > kSnapshotFrameBytes && entries.size() > 1) {
      entries.pop_back();
      flush();
      entries.push_back({name, value});
    }
  }
  flush();
  for (const auto& [index, name] : keys_) {
    payload.resize(key_record_bytes(name));
    encode_key(payload.data(), index, name);
    sink(Kind::kKeySnapshot, payload);
  }
}

}  // namespace wb
