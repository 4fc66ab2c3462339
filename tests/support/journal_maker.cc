// Journal maker: frames and tail heads by the project's own encoders.
#include "tests/support/journal_maker.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "schema/journal_name.h"
#include "schema/tail_file.h"

namespace wb::test {
namespace {

bool is_keeper_kind(Kind kind) {
  return static_cast<std::uint8_t>(kind) >= static_cast<std::uint8_t>(Kind::kGap);
}

Uuid uuid_from(std::uint64_t seed) {
  Uuid uuid;
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (std::byte& b : uuid.bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    b = static_cast<std::byte>(state >> 56);
  }
  return uuid;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "wb_test_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

JournalMaker::JournalMaker(const MakerOptions& options) : options_(options), uuid_(uuid_from(options.seed)) {
  stem_ = journal_stem(options.run_id, options.rank, options.attempt, uuid_);
  start_tail();
  std::vector<Metric> entries = {{"run_id", Value(options_.run_id)},
                                 {"project", Value(options_.project)},
                                 {"rank", Value(options_.rank)},
                                 {"attempt", Value(options_.attempt)},
                                 {"start_wall_us", Value(options_.start_wall_us)},
                                 {"start_mono_ns", Value(now().mono_ns)}};
  for (const auto& [name, text] : options_.fields) entries.push_back({name, Value(std::string_view(text))});
  map(Kind::kRun, entries);
}

Timestamp JournalMaker::now() const {
  const auto passed_ns = static_cast<std::int64_t>(second * 1e9);
  constexpr std::int64_t kBootNs = 1'000'000'000'000;  // The machine was up for 1,000 s at the start.
  return {kBootNs + passed_ns, options_.start_wall_us - kBootNs / 1000};
}

void JournalMaker::start_tail() {
  TailHead head;
  head.file_number = static_cast<std::uint32_t>(tails_.size());
  head.journal = uuid_;
  const auto bytes = encode_tail_head(head);
  tails_.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void JournalMaker::frame(Kind kind, std::uint8_t flags, std::span<const std::byte> payload) {
  const bool keeper = is_keeper_kind(kind);
  std::vector<std::byte> bytes(frame_bytes(payload.size()));
  if (!payload.empty()) std::copy(payload.begin(), payload.end(), bytes.begin() + kFrameHeadBytes);
  const std::uint64_t sequence = keeper ? ++keeper_sequence_ : ++trainer_sequence_;
  const auto all_flags = static_cast<std::uint8_t>(flags | (keeper ? kFlagKeeper : 0));
  seal_frame(bytes.data(), payload.size(), kind, all_flags, sequence, uuid_.salt());
  tails_.back().append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::uint32_t JournalMaker::key_index(std::string_view name) {
  for (std::uint32_t i = 0; i < key_names_.size(); ++i) {
    if (key_names_[i] == name) return i;
  }
  const auto index = static_cast<std::uint32_t>(key_names_.size());
  key_names_.emplace_back(name);
  std::vector<std::byte> payload(key_record_bytes(name));
  encode_key(payload.data(), index, name);
  frame(Kind::kKey, 0, payload);
  return index;
}

void JournalMaker::row(std::int64_t step, const std::vector<Metric>& metrics, std::uint8_t flags) {
  std::vector<std::uint32_t> keys;
  std::size_t text_bytes = 0;
  for (const Metric& metric : metrics) {
    keys.push_back(key_index(metric.name));
    text_bytes += metric.value.text().size();
  }
  second += 1;
  std::vector<std::byte> payload(row_bytes(metrics.size(), text_bytes));
  RowEncoder encoder(payload.data(), metrics.size(), text_bytes, step, now());
  for (std::size_t i = 0; i < metrics.size(); ++i) encoder.set(i, keys[i], metrics[i].value);
  frame(Kind::kRow, flags, payload);
}

void JournalMaker::map(Kind kind, const std::vector<Metric>& entries, std::uint8_t flags) {
  std::vector<std::byte> payload(map_bytes(entries));
  encode_map(payload.data(), entries);
  frame(kind, flags, payload);
}

void JournalMaker::finish(std::int32_t exit_code) {
  std::byte payload[kFinishRecordBytes];
  encode_finish(payload, {exit_code, now()});
  frame(Kind::kFinish, 0, payload);
  tail_end(true);
}

void JournalMaker::death(std::int64_t signal) {
  map(Kind::kDeath, {{"mono_ns", Value(now().mono_ns)},
                     {"wall_offset_us", Value(now().wall_offset_us)},
                     {"reason", Value("killed")},
                     {"signal", Value(signal)}});
  tail_end(true);
}

void JournalMaker::heartbeat() {
  std::byte payload[kHeartbeatRecordBytes];
  encode_heartbeat(payload, {now(), trainer_sequence_});
  frame(Kind::kHeartbeat, 0, payload);
}

void JournalMaker::tail_end(bool journal_end) {
  std::byte payload[8] = {journal_end ? std::byte{1} : std::byte{0}};
  frame(Kind::kTailEnd, 0, payload);
}

void JournalMaker::rotate() {
  tail_end(false);
  start_tail();
  map(Kind::kSnapshot, {{"run_id", Value(options_.run_id)},
                        {"project", Value(options_.project)},
                        {"rank", Value(options_.rank)},
                        {"attempt", Value(options_.attempt)}});
  for (std::uint32_t i = 0; i < key_names_.size(); ++i) {
    std::vector<std::byte> payload(key_record_bytes(key_names_[i]));
    encode_key(payload.data(), i, key_names_[i]);
    frame(Kind::kKeySnapshot, 0, payload);
  }
}

std::string JournalMaker::write(const std::string& directory) const {
  const std::string home = directory + "/" + run_id_for_files(options_.run_id);
  std::filesystem::create_directories(home);
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    write_file(home + "/" + journal_file(stem_, static_cast<std::uint32_t>(i), FileKind::kTail), tails_[i]);
  }
  return home + "/" + journal_file(stem_, 0, FileKind::kTail);
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace wb::test
