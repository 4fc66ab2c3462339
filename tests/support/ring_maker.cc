// The producer's side of a ring in its plainest form.
#include "tests/support/ring_maker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "schema/journal_name.h"
#include "schema/record.h"

namespace wb::test {
namespace {

std::uint64_t start_ticks(std::int32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::size_t at = text.rfind(')');
  for (int field = 2; field < 22; ++field) at = text.find(' ', at + 1);
  return std::strtoull(text.c_str() + at + 1, nullptr, 10);
}

}  // namespace

RingMaker::RingMaker(const std::string& directory, std::size_t data_bytes, const std::string& folder)
    : folder_(folder), owns_folder_(folder.empty()) {
  if (owns_folder_) {
    folder_ = "/dev/shm/wbtest-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  EXPECT_EQ(::getrandom(journal_.bytes.data(), journal_.bytes.size(), 0), 16);
  path_ = folder_ + "/wb-" + std::to_string(::geteuid()) + "-" + journal_.hex() + ".ring";
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  EXPECT_EQ(::ftruncate(fd_, static_cast<off_t>(kRingHeaderBytes + data_bytes)), 0);
  header_ = static_cast<RingHeader*>(::mmap(nullptr, kRingHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
  data_ = static_cast<std::byte*>(::mmap(nullptr, 2 * data_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (std::byte* half : {data_, data_ + data_bytes}) {
    EXPECT_NE(::mmap(half, data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, kRingHeaderBytes),
              MAP_FAILED);
  }
  RingIdentity& identity = header_->identity;
  std::memcpy(identity.magic, kRingMagic, sizeof kRingMagic);
  identity.version = kRingVersion;
  identity.header_bytes = kRingHeaderBytes;
  identity.data_bytes = data_bytes;
  std::memcpy(identity.journal_uuid, journal_.bytes.data(), 16);
  identity.trainer_uid = ::geteuid();
  identity.sync_interval_ms = 50;
  set_trainer(::getpid());
  std::snprintf(header_->directory, sizeof header_->directory, "%s", directory.c_str());
  std::snprintf(header_->stem, sizeof header_->stem, "%s", journal_stem("testrun", 0, 0, journal_).c_str());
}

RingMaker::~RingMaker() {
  ::munmap(data_, 2 * header_->identity.data_bytes);
  ::munmap(header_, kRingHeaderBytes);
  ::close(fd_);
  std::error_code error;
  std::filesystem::remove_all(owns_folder_ ? folder_ : path_, error);
}

bool RingMaker::exists() const {
  return ::access(path_.c_str(), F_OK) == 0;
}

void RingMaker::set_trainer(std::int32_t pid) {
  header_->identity.trainer_pid = pid;
  header_->identity.trainer_start_ticks = start_ticks(pid);
}

void RingMaker::lock_as_trainer() {
  struct flock request {};
  request.l_type = F_WRLCK;
  request.l_whence = SEEK_SET;
  request.l_len = 1;
  EXPECT_EQ(::fcntl(fd_, F_SETLK, &request), 0);
}

bool RingMaker::publish(Kind kind, std::span<const std::byte> payload, std::uint8_t flags) {
  const std::uint64_t data_bytes = header_->identity.data_bytes;
  const std::uint64_t head = header_->producer.head.load(std::memory_order_relaxed);
  const std::uint64_t used = head - header_->keeper.tail.load(std::memory_order_acquire);
  const std::size_t bytes = frame_bytes(payload.size());
  if (used + bytes > data_bytes) return false;
  std::byte* frame = data_ + (head & (data_bytes - 1));
  if (!payload.empty()) std::memcpy(frame + kFrameHeadBytes, payload.data(), payload.size());
  seal_frame(frame, payload.size(), kind, flags, ++sequence_, journal_.salt());
  header_->producer.accepted_sequence.store(sequence_, std::memory_order_relaxed);
  header_->producer.head.store(head + bytes, std::memory_order_release);
  return true;
}

bool RingMaker::publish_row(std::int64_t step) {
  std::byte payload[row_bytes(1, 0)];
  RowEncoder encoder(payload, 1, 0, step, {step, 0});
  encoder.set(0, 0, Value(step));
  return publish(Kind::kRow, payload, kRowCommit);
}

void RingMaker::publish_start() {
  EXPECT_TRUE(publish_run());
  EXPECT_TRUE(publish_key(0, "step"));
}

bool RingMaker::publish_run() {
  const Metric entries[] = {{"run_id", Value("testrun")}, {"rank", Value(0)}};
  std::vector<std::byte> payload(map_bytes(entries));
  encode_map(payload.data(), entries);
  return publish(Kind::kRun, payload);
}

bool RingMaker::publish_key(std::uint32_t index, std::string_view name) {
  std::vector<std::byte> payload(key_record_bytes(name));
  encode_key(payload.data(), index, name);
  return publish(Kind::kKey, payload);
}

bool RingMaker::publish_finish(std::int32_t exit_code) {
  std::byte payload[kFinishRecordBytes];
  encode_finish(payload, {exit_code, {1, 0}});
  if (!publish(Kind::kFinish, payload)) return false;
  header_->producer.trainer_state.store(TrainerState::kFinished, std::memory_order_release);
  return true;
}

void RingMaker::drop(std::int64_t step) {
  RingProducer& producer = header_->producer;
  const std::uint64_t count = producer.dropped_count.load(std::memory_order_relaxed);
  if (count == header_->keeper.dropped_recorded.load(std::memory_order_acquire)) {
    producer.dropped_first_step.store(step, std::memory_order_relaxed);
  }
  producer.dropped_last_step.store(step, std::memory_order_relaxed);
  producer.dropped_count.store(count + 1, std::memory_order_release);
}

void RingMaker::overwrite(std::uint64_t offset, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) data_[(offset + i) & (header_->identity.data_bytes - 1)] ^= std::byte{0xFF};
}

void RingMaker::request_sync() {
  header_->producer.sync_request.fetch_add(1, std::memory_order_release);
  header_->producer.doorbell.fetch_add(1, std::memory_order_release);
}

}  // namespace wb::test
