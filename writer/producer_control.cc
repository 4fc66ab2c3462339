// The producer's rarer work: names, rows in parts, control records.
#include <time.h>

#include <algorithm>
#include <new>

#include "schema/limits.h"
#include "writer/clock.h"
#include "writer/producer.h"

namespace wb {
namespace {

// Indices that no key has: why a name of this row could not be interned.
constexpr std::uint32_t kBadName = UINT32_MAX;
constexpr std::uint32_t kNameWithoutRoom = UINT32_MAX - 1;

constexpr std::int64_t kControlWaitNs = 200'000'000;
constexpr timespec kControlNap{0, 500'000};

bool is_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kKeyBytesMax;
}

/// Calls place() until it gives another code than kFull, for as long as a control record may wait.
template <typename Place>
Status retry_while_full(const Place& place) {
  const std::int64_t end_ns = monotonic_ns() + kControlWaitNs;
  for (;;) {
    Status status = place();
    if (status.code() != Code::kFull || monotonic_ns() >= end_ns) return status;
    nanosleep(&kControlNap, nullptr);
  }
}

}  // namespace

void Producer::inherit(std::vector<std::string> names, std::int64_t step) {
  for (const std::string& name : names) {
    keys_.reserve_one(name);
    keys_.add(name);
  }
  announced_.assign(names.size(), false);
  key_count_ = keys_.size();
  silent_count_ = key_count_;
  step_.store(step, std::memory_order_relaxed);
}

std::span<const KeyMetric> Producer::intern_row(std::span<const Metric> metrics) noexcept {
  static constexpr KeyMetric kNoMemory{{kBadName}, Value::null()};
  if (!is_open_) return {};
  if (named_row_.size() < metrics.size()) {
    try {
      named_row_.resize(metrics.size(), {{kBadName}, Value::null()});
    } catch (const std::bad_alloc&) {
      return {&kNoMemory, 1};
    }
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    KeyMetric& to = named_row_[i];
    to.value = metrics[i].value;
    // Rows look alike: the name at this place is most often the one of the row before.
    if (to.key.index < key_count_ && keys_.name(to.key.index) == metrics[i].name) continue;
    to.key.index = find_or_intern(metrics[i].name);
  }
  return std::span(named_row_).first(metrics.size());
}

std::uint32_t Producer::find_or_intern(std::string_view name) noexcept {
  if (const auto index = keys_.find(name)) return *index;
  if (!is_name(name) || key_count_ == kKeyCountMax) return kBadName;
  try {
    keys_.reserve_one(name);
  } catch (const std::bad_alloc&) {
    return kNameWithoutRoom;
  }
  // Announced first: an index is never handed out whose name the journal does not have.
  if (!place_key(key_count_, name)) return kNameWithoutRoom;
  keys_.add(name);
  return key_count_++;
}

bool Producer::place_key(std::uint32_t index, std::string_view name) noexcept {
  const std::size_t payload_bytes = key_record_bytes(name);
  if (!has_room(frame_bytes(payload_bytes), kRingReservedBytes)) return false;
  encode_key(head_at() + kFrameHeadBytes, index, name);
  seal_frame(head_at(), payload_bytes, Kind::kKey, 0, ++sequence_, salt_);
  publish(frame_bytes(payload_bytes));
  return true;
}

Producer::Placed Producer::check_unusual(std::span<const KeyMetric> metrics) noexcept {
  for (const KeyMetric& metric : metrics) {
    const std::uint32_t index = metric.key.index;
    if (index == kNameWithoutRoom) return Placed::kNoRoom;
    if (index >= key_count_ || metric.value.type() > ValueType::kNull) return Placed::kDropped;
    if (index >= silent_count_ || announced_[index]) continue;
    if (!place_key(index, keys_.name(index))) return Placed::kNoRoom;
    announced_[index] = true;
  }
  return Placed::kYes;
}

Producer::Placed Producer::place_parts(std::span<const KeyMetric> metrics, const StepPlan& plan,
                                       Timestamp time) noexcept {
  // Twice over the same cuts: first to see whether all parts fit, then to write them. Published together.
  std::size_t total_bytes = 0;
  for (const bool is_writing : {false, true}) {
    if (is_writing && total_bytes + kRingReservedBytes > mask_ + 1) return Placed::kDropped;
    if (is_writing && !has_room(total_bytes, kRingReservedBytes)) return Placed::kNoRoom;
    std::size_t done_bytes = 0;
    for (std::size_t first = 0; first < metrics.size();) {
      std::size_t text_bytes = 0;
      std::size_t end = first;
      for (; end < metrics.size(); ++end) {
        const std::size_t more = text_bytes + metrics[end].value.text().size();
        if (row_bytes(end + 1 - first, more) > kScalarRecordBytesMax) break;
        text_bytes = more;
      }
      if (end == first) return Placed::kDropped;  // One value alone is over the limit.
      if (is_writing) {
        const bool is_last = end == metrics.size();
        const auto flags = static_cast<std::uint8_t>(is_last ? plan.flags : plan.flags & ~kRowCommit);
        write_part(data_ + ((head_ + done_bytes) & mask_), metrics.subspan(first, end - first), text_bytes, plan, flags,
                   time);
      }
      done_bytes += frame_bytes(row_bytes(end - first, text_bytes));
      first = end;
    }
    total_bytes = done_bytes;
  }
  publish(total_bytes);
  return Placed::kYes;
}

Result<Key> Producer::key(std::string_view name) {
  const SpinGuard guard(lock_);
  if (!guard.held()) return Status(Code::kFull, "key: called inside of log()");
  if (!is_open_) return Status(Code::kClosed, "key: the run has ended");
  const std::uint32_t index = find_or_intern(name);
  if (index == kBadName) return Status(Code::kInvalidArgument, "a metric's name has 1 to 4,096 bytes");
  if (index == kNameWithoutRoom) return Status(Code::kFull, "no room in the ring for a new name");
  return Key{index};
}

Status Producer::add_map(Kind kind, std::span<const Metric> entries) {
  while (!entries.empty()) {
    // As many entries as make a record of scalar size, at least one.
    std::size_t count = 1;
    while (count < entries.size() && map_bytes(entries.first(count + 1)) <= kScalarRecordBytesMax) ++count;
    const auto part = entries.first(count);
    if (map_bytes(part) > kFramePayloadBytesMax) {
      return {Code::kInvalidArgument,
              "'" + std::string(part.front().name.substr(0, 80)) + "': the value is longer than 272 KiB"};
    }
    Status status = retry_while_full([&] { return place_map(kind, part); });
    if (!status.ok()) return status;
    entries = entries.subspan(count);
  }
  return {};
}

Status Producer::place_map(Kind kind, std::span<const Metric> entries) {
  const SpinGuard guard(lock_);
  if (!guard.held()) return {Code::kFull, "called inside of log()"};
  if (!is_open_) return {Code::kClosed, "the run has ended"};
  const std::size_t payload_bytes = map_bytes(entries);
  // The finish record's room is kept: a run can end without waiting, whatever was sent before.
  if (!has_room(frame_bytes(payload_bytes), frame_bytes(kFinishRecordBytes))) {
    return {Code::kFull, "no room in the ring"};
  }
  encode_map(head_at() + kFrameHeadBytes, entries);
  seal_frame(head_at(), payload_bytes, kind, 0, ++sequence_, salt_);
  publish(frame_bytes(payload_bytes));
  return {};
}

Status Producer::add_finish(std::int32_t exit_code, std::uint8_t flags) {
  return retry_while_full([&]() -> Status {
    const SpinGuard guard(lock_);
    if (!guard.held()) return {Code::kFull, "called inside of log()"};
    if (!is_open_) return {Code::kClosed, "the run has ended"};
    if (!has_room(frame_bytes(kFinishRecordBytes), 0)) return {Code::kFull, "no room in the ring"};
    encode_finish(head_at() + kFrameHeadBytes, {exit_code, now()});
    seal_frame(head_at(), kFinishRecordBytes, Kind::kFinish, flags, ++sequence_, salt_);
    publish(frame_bytes(kFinishRecordBytes));
    shared_.trainer_state.store(TrainerState::kFinished, std::memory_order_release);
    is_open_ = false;
    return {};
  });
}

}  // namespace wb
