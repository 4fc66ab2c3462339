// Builds frames, tails and segments for tests, and compares what comes back.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "schema/bytes.h"
#include "schema/journal/segment.h"
#include "schema/journal_name.h"
#include "schema/record.h"
#include "schema/tail_file.h"

namespace wb {

/// A directory of its own, removed with its scope.
class TestDir {
 public:
  TestDir() {
    std::string name = (std::filesystem::temp_directory_path() / "wb-schema-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TestDir() { std::filesystem::remove_all(path_); }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A frame with its bytes: what the ring and the tail would hold.
struct OwnedFrame {
  std::vector<std::byte> bytes;
  Frame view(std::uint32_t salt) const { return read_frame(bytes, salt).value(); }
};

/// A value that owns its text.
struct TestValue {
  TestValue(double number) : value(number) {}                                           // NOLINT
  TestValue(int number) : value(number) {}                                              // NOLINT
  TestValue(std::string owned) : text(std::move(owned)), value(text), is_text(true) {}  // NOLINT
  TestValue(Value scalar) : value(scalar) {}                                            // NOLINT
  static TestValue json(std::string owned) {
    TestValue made(std::move(owned));
    made.is_json = true;
    return made;
  }
  Value get() const {
    if (!is_text) return value;
    return is_json ? Value::json(text) : Value(std::string_view(text));
  }
  std::string text;
  Value value;
  bool is_text = false;
  bool is_json = false;
};

class JournalBuilder {
 public:
  explicit JournalBuilder(unsigned char first_byte = 0xA1) {
    for (std::size_t i = 0; i < 16; ++i) uuid_.bytes[i] = static_cast<std::byte>(first_byte + i);
  }

  const Uuid& uuid() const { return uuid_; }
  std::uint32_t salt() const { return uuid_.salt(); }
  const std::vector<OwnedFrame>& frames() const { return frames_; }
  std::uint64_t sequence() const { return sequence_; }
  void skip_sequence(std::uint64_t count) { sequence_ += count; }

  OwnedFrame make(Kind kind, std::uint8_t flags, std::uint64_t sequence, std::span<const std::byte> payload) const {
    OwnedFrame frame;
    frame.bytes.resize(frame_bytes(payload.size()));
    if (!payload.empty()) std::memcpy(frame.bytes.data() + kFrameHeadBytes, payload.data(), payload.size());
    seal_frame(frame.bytes.data(), payload.size(), kind, flags, sequence, salt());
    return frame;
  }
  void add(Kind kind, std::uint8_t flags, std::span<const std::byte> payload) {
    frames_.push_back(make(kind, flags, ++sequence_, payload));
  }
  void add_keeper(Kind kind, std::span<const std::byte> payload) {
    frames_.push_back(make(kind, kFlagKeeper, ++keeper_sequence_, payload));
  }
  void map(Kind kind, const std::vector<Metric>& entries) {
    std::vector<std::byte> payload(map_bytes(entries));
    encode_map(payload.data(), entries);
    if (static_cast<std::uint8_t>(kind) >= 64) {
      add_keeper(kind, payload);
    } else {
      add(kind, 0, payload);
    }
  }
  void run(const std::string& id) { map(Kind::kRun, {{"run_id", std::string_view(id)}, {"rank", 0}, {"attempt", 0}}); }
  std::uint32_t key(const std::string& name) {
    std::vector<std::byte> payload(key_record_bytes(name));
    encode_key(payload.data(), key_count_, name);
    add(Kind::kKey, 0, payload);
    return key_count_++;
  }
  std::vector<std::byte> row_payload(std::int64_t step,
                                     const std::vector<std::pair<std::uint32_t, TestValue>>& values) {
    std::size_t text_bytes = 0;
    for (const auto& [key, value] : values) text_bytes += value.get().text().size();
    std::vector<std::byte> payload(row_bytes(values.size(), text_bytes));
    RowEncoder encoder(payload.data(), values.size(), text_bytes, step, time());
    std::size_t i = 0;
    for (const auto& [key, value] : values) encoder.set(i++, key, value.get());
    return payload;
  }
  void row(std::int64_t step, const std::vector<std::pair<std::uint32_t, TestValue>>& values,
           std::uint8_t flags = kRowCommit) {
    add(Kind::kRow, flags, row_payload(step, values));
  }
  void heartbeat() {
    std::vector<std::byte> payload(kHeartbeatRecordBytes);
    encode_heartbeat(payload.data(), {time(), sequence_});
    add_keeper(Kind::kHeartbeat, payload);
  }
  void finish(std::int32_t exit_code) {
    std::vector<std::byte> payload(kFinishRecordBytes);
    encode_finish(payload.data(), {exit_code, time()});
    add(Kind::kFinish, 0, payload);
  }
  void tail_end(bool final) {
    std::vector<std::byte> payload(8);
    store_le(payload.data(), std::uint32_t{final});
    add_keeper(Kind::kTailEnd, payload);
  }
  Timestamp time() { return {1'000'000'000 + 1'000'037 * ++ticks_, 1'700'000'000'000'000}; }

  /// The frames [first, end) as a tail's bytes.
  std::vector<std::byte> tail(std::uint32_t number = 0, std::size_t first = 0, std::size_t end = SIZE_MAX) const {
    const auto head = encode_tail_head({.file_number = number, .journal = uuid_});
    std::vector<std::byte> bytes(head.begin(), head.end());
    for (std::size_t i = first; i < std::min(end, frames_.size()); ++i) {
      bytes.insert(bytes.end(), frames_[i].bytes.begin(), frames_[i].bytes.end());
    }
    return bytes;
  }
  SegmentInfo write_segment(const std::string& path, std::uint32_t number = 0, std::size_t first = 0,
                            std::size_t end = SIZE_MAX) const {
    auto writer = SegmentWriter::create(path, uuid_, number);
    EXPECT_TRUE(writer.ok()) << writer.status().message();
    for (std::size_t i = first; i < std::min(end, frames_.size()); ++i) {
      const Status status = writer.value()->add(frames_[i].view(salt()));
      EXPECT_TRUE(status.ok()) << status.message();
    }
    const Result<SegmentInfo> info = writer.value()->finish();
    EXPECT_TRUE(info.ok()) << info.status().message();
    return info.ok() ? info.value() : SegmentInfo{};
  }
  std::string stem() const { return journal_stem("r1", 0, 0, uuid_); }

 private:
  Uuid uuid_;
  std::vector<OwnedFrame> frames_;
  std::uint64_t sequence_ = 0;
  std::uint64_t keeper_sequence_ = 0;
  std::uint32_t key_count_ = 0;
  std::int64_t ticks_ = 0;
};

inline void write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<std::byte> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return {as_bytes(text).begin(), as_bytes(text).end()};
}

/// A frame's bytes again, from what a reader gave.
inline OwnedFrame sealed_again(const Frame& frame, std::uint32_t salt) {
  OwnedFrame owned;
  owned.bytes.resize(frame_bytes(frame.payload.size()));
  if (!frame.payload.empty()) {
    std::memcpy(owned.bytes.data() + kFrameHeadBytes, frame.payload.data(), frame.payload.size());
  }
  const unsigned source_bit = frame.source == Source::kKeeper ? kFlagKeeper : 0;
  seal_frame(owned.bytes.data(), frame.payload.size(), frame.kind, static_cast<std::uint8_t>(frame.flags | source_bit),
             frame.sequence, salt);
  return owned;
}

inline void expect_segment_has(const std::string& path, const std::vector<OwnedFrame>& frames) {
  auto reader = SegmentReader::open(path);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  std::size_t count = 0;
  const std::uint32_t salt = reader.value()->info().journal.salt();
  const Status status = reader.value()->read(0, [&](const Frame& frame) {
    EXPECT_LT(count, frames.size());
    if (count < frames.size()) {
      EXPECT_EQ(sealed_again(frame, salt).bytes, frames[count].bytes) << "record " << count;
    }
    ++count;
    return !testing::Test::HasFailure();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(count, frames.size());
  EXPECT_TRUE(reader.value()->verify().ok());
}

}  // namespace wb
