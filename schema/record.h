// Record payloads: what lies inside a frame, by kind. Encoders write into given space, decoders borrow from it.
//
// Row (Kind::kRow), offsets in bytes:
//   0  i64 step               explicit or counted by the writer
//   8  i64 mono_ns            CLOCK_MONOTONIC of the process's machine
//  16  i64 wall_offset_us     add to mono_ns / 1000 for CLOCK_REALTIME in us since 1970
//  24  u32 metric count n
//  28  u32 text bytes t
//  32  u64 value[n]           scalar bits; for texts: offset in the text area | length << 32
//      u32 key word[n]        key index | type << 28
//      text area, t bytes
// Map: u32 entry count, then per entry: u32 key bytes, u32 type, u64 scalar bits or text bytes, key, text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "schema/bytes.h"
#include "schema/frame.h"
#include "wb/status.h"
#include "wb/value.h"

namespace wb {

// Flags of a row.
inline constexpr std::uint8_t kRowCommit = 1;        ///< The row is complete with this part.
inline constexpr std::uint8_t kRowOutOfOrder = 2;    ///< Its step is below one that was logged before.
inline constexpr std::uint8_t kRowExplicitStep = 4;  ///< The program gave the step.

// A flag of a finish record.
inline constexpr std::uint8_t kFinishNoExitCode = 1;  ///< The program closed the run without an exit code.

inline constexpr std::size_t kRowHeadBytes = 32;
inline constexpr std::uint32_t kKeyIndexMask = (1U << 28) - 1;

constexpr std::uint32_t key_word(std::uint32_t key_index, ValueType type) noexcept {
  return key_index | static_cast<std::uint32_t>(type) << 28;
}

/// When something happened, by both clocks of its machine.
struct Timestamp {
  std::int64_t mono_ns = 0;
  std::int64_t wall_offset_us = 0;
  /// Microseconds since 1970, UTC.
  std::int64_t wall_us() const noexcept { return mono_ns / 1000 + wall_offset_us; }
};

/// A decoded row (part), borrowed from the payload. value(i) is checked when the view is made.
class RowView {
 public:
  /// kCorrupt if counts, types or text ranges do not fit the payload.
  static Result<RowView> parse(std::span<const std::byte> payload);

  std::int64_t step() const noexcept { return step_; }
  const Timestamp& time() const noexcept { return time_; }
  std::size_t size() const noexcept { return count_; }
  std::uint32_t key_index(std::size_t i) const noexcept { return key_word_at(i) & kKeyIndexMask; }
  // Inline, as RowEncoder::set(): readers call them for every value.
  std::uint32_t key_word_at(std::size_t i) const noexcept {
    assert(i < count_);
    return load_le<std::uint32_t>(key_words_ + i * 4);
  }
  Value value(std::size_t i) const noexcept {
    const auto type = static_cast<ValueType>(key_word_at(i) >> 28);
    const auto bits = load_le<std::uint64_t>(values_ + i * 8);
    if (type != ValueType::kString && type != ValueType::kJson) return Value::of(type, bits);
    const std::string_view text(texts_ + (bits & UINT32_MAX), bits >> 32);
    return type == ValueType::kJson ? Value::json(text) : Value(text);
  }

 private:
  std::int64_t step_ = 0;
  Timestamp time_;
  std::size_t count_ = 0;
  const std::byte* values_ = nullptr;
  const std::byte* key_words_ = nullptr;
  const char* texts_ = nullptr;
};

/// Payload bytes of a row with `count` metrics and `text_bytes` of texts.
constexpr std::size_t row_bytes(std::size_t count, std::size_t text_bytes) noexcept {
  return kRowHeadBytes + count * 12 + text_bytes;
}

/// Writes a row's payload at `to` (row_bytes() of room): the one encoder, used by writer and packer alike.
/// Metric i is written by set(i, ...), each exactly once, in order of i.
class RowEncoder {
 public:
  RowEncoder(std::byte* to, std::size_t count, std::size_t text_bytes, std::int64_t step, Timestamp time) noexcept
      : to_(to), count_(count) {
    store_le(to, step);
    store_le(to + 8, time.mono_ns);
    store_le(to + 16, time.wall_offset_us);
    store_le(to + 24, static_cast<std::uint64_t>(count) | static_cast<std::uint64_t>(text_bytes) << 32);
  }

  // Inline: log() spends a third of its own time here.
  void set(std::size_t i, std::uint32_t key_index, const Value& value) noexcept {
    assert(i < count_);
    store_le(to_ + kRowHeadBytes + i * 8, value.is_text() ? place_text(value.text()) : value.bits());
    // Two key words a store, as in seal_frame().
    std::byte* const words = to_ + kRowHeadBytes + count_ * 8;
    const std::uint32_t word = key_word(key_index, value.type());
    if (i % 2 == 1) {
      store_le(words + (i - 1) * 4, even_word_ | static_cast<std::uint64_t>(word) << 32);
    } else {
      even_word_ = word;
      if (i + 1 == count_) store_le(words + i * 4, word);
    }
  }

 private:
  /// Appends a text and returns its place: offset | length << 32.
  std::uint64_t place_text(std::string_view text) noexcept;

  std::byte* to_;
  std::size_t count_;
  std::uint32_t text_at_ = 0;
  std::uint32_t even_word_ = 0;  // The key word of the even metric before, until its neighbour comes.
};

/// Writes a map of metrics: the payload of kRun, kConfig, kSummary, kMetric, kGap, kDeath, ...
std::size_t map_bytes(std::span<const Metric> entries) noexcept;
void encode_map(std::byte* to, std::span<const Metric> entries) noexcept;

/// Reads a map; names and texts are borrowed from the payload. kCorrupt if it does not fit.
Result<std::vector<Metric>> decode_map(std::span<const std::byte> payload);

/// The entry's value, or nothing.
std::optional<Value> map_value(std::span<const Metric> entries, std::string_view name) noexcept;

struct KeyRecord {
  std::uint32_t index = 0;
  std::string_view name;
};
constexpr std::size_t key_record_bytes(std::string_view name) noexcept {
  return 4 + name.size();
}
void encode_key(std::byte* to, std::uint32_t index, std::string_view name) noexcept;
Result<KeyRecord> decode_key(std::span<const std::byte> payload);

struct FinishRecord {
  std::int32_t exit_code = 0;
  Timestamp time;
};
inline constexpr std::size_t kFinishRecordBytes = 24;
void encode_finish(std::byte* to, const FinishRecord& record) noexcept;
Result<FinishRecord> decode_finish(std::span<const std::byte> payload);

struct HeartbeatRecord {
  Timestamp time;
  std::uint64_t written_sequence = 0;
};
inline constexpr std::size_t kHeartbeatRecordBytes = 24;
void encode_heartbeat(std::byte* to, const HeartbeatRecord& record) noexcept;
Result<HeartbeatRecord> decode_heartbeat(std::span<const std::byte> payload);

}  // namespace wb
