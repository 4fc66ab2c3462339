// Files are small here, so a state is simply their bytes; it is laid out anew for each way on.
#include "tests/faults/step/remains.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/crc32c.h"
#include "schema/descriptor.h"
#include "schema/journal/journal_reader.h"
#include "schema/record.h"
#include "tests/support/journal_maker.h"
#include "writer/drain.h"
#include "writer/keeper/pack.h"
#include "writer/keeper/rescue.h"

namespace wb::test {
namespace {

constexpr int kRoundsMax = 8;

/// What a reader finds in a journal.
struct Found {
  std::string fault;
  std::uint64_t last_sequence = 0;
  std::int64_t row_count = 0;
  std::uint64_t gap_count = 0;
  int finish_count = 0;
  int death_count = 0;
  bool ends_open = true;
};

void take(Found& found, const Frame& frame) {
  if (frame.kind == Kind::kFinish) ++found.finish_count;
  if (frame.kind == Kind::kDeath) ++found.death_count;
  if (frame.kind == Kind::kGap) {
    const auto entries = decode_map(frame.payload);
    const auto count = entries.ok() ? map_value(entries.value(), "count") : std::nullopt;
    found.gap_count += count ? count->bits() : 0;
  }
  if (frame.source == Source::kKeeper) return;
  if (frame.sequence != ++found.last_sequence)
    found.fault = "record " + std::to_string(frame.sequence) + " out of turn";
  if (frame.kind != Kind::kRow) return;
  const auto row = RowView::parse(frame.payload);
  const std::int64_t step = found.row_count++;
  const bool is_right =
      row.ok() && row.value().step() == step && row.value().size() == 1 && row.value().value(0).as_int64() == step;
  if (!is_right) found.fault = "row " + std::to_string(step) + " is not what was logged";
}

Found read_all(const std::string& directory) {
  Found found;
  const auto journals = list_journals(directory);
  if (!journals.ok() || journals.value().empty()) return found;
  const auto scan = read_journal(journals.value()[0], 0, [&](const Frame& frame) {
    take(found, frame);
    return true;
  });
  if (!scan.ok()) {
    found.fault = "the journal cannot be read: " + scan.status().message();
  } else if (!scan.value().damage.empty()) {
    const Damage& damage = scan.value().damage.front();
    found.fault = "the reader reports damage: " + damage.path + ": " + damage.what;
  }
  found.ends_open = !scan.ok() || scan.value().ends_open;
  return found;
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string runs_of(const Scratch& scratch) {
  return scratch.path() + "/run";
}
std::string rings_of(const Scratch& scratch) {
  return scratch.path() + "/rings";
}
std::string ring_of(const Scratch& scratch, const Remains& state) {
  const auto& identity = reinterpret_cast<const RingHeader*>(state.header.data())->identity;
  Uuid journal;
  std::memcpy(journal.bytes.data(), identity.journal_uuid, sizeof identity.journal_uuid);
  return rings_of(scratch) + "/wb-" + std::to_string(::geteuid()) + "-" + journal.hex() + kRingNameSuffix;
}

bool has_file_ending_in(const std::string& directory, std::string_view ending) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().string().ends_with(ending)) return true;
  }
  return false;
}

}  // namespace

Remains Remains::look(const std::string& directory, RingMaker& ring) {
  Remains state;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    state.files[entry.path().filename()] = read_bytes(entry.path());
  }
  state.header.assign(reinterpret_cast<const char*>(&ring.header()), kRingHeaderBytes);
  state.has_ring = ring.exists();
  return state;
}

std::uint64_t Remains::fingerprint() const {
  Remains copy{.files = {}, .header = header, .has_ring = has_ring};
  RingKeeper& keeper = copy.words().keeper;
  keeper.last_advance_ns.store(0);
  keeper.heartbeat_ns.store(0);
  std::uint32_t low = crc32c(has_ring ? 1 : 0, std::as_bytes(std::span(copy.header)));
  std::uint32_t high = ~low;
  for (const auto& [name, bytes] : files) {
    low = crc32c(crc32c(low, std::as_bytes(std::span(name))), std::as_bytes(std::span(bytes)));
    high = crc32c(high + static_cast<std::uint32_t>(bytes.size()), std::as_bytes(std::span(name)));
  }
  return std::uint64_t{high} << 32 | low;
}

void KeeperJudge::restore(const Scratch& scratch, Remains state, bool trainer_lives) const {
  std::filesystem::create_directory(runs_of(scratch));
  std::filesystem::create_directory(rings_of(scratch));
  for (const auto& [name, bytes] : state.files) write_file(runs_of(scratch) + "/" + name, bytes);
  if (!state.has_ring) return;
  RingHeader& header = state.words();
  std::memset(header.directory, 0, sizeof header.directory);
  runs_of(scratch).copy(header.directory, sizeof header.directory - 1);
  if (!trainer_lives) header.identity.trainer_start_ticks = 1;  // The pid belongs to somebody else now.
  const std::string path = ring_of(scratch, state);
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const auto bytes = static_cast<off_t>(kRingHeaderBytes + header.identity.data_bytes);
  const bool is_made =
      ::ftruncate(file.get(), bytes) == 0 &&
      ::pwrite(file.get(), state.header.data(), kRingHeaderBytes, 0) == kRingHeaderBytes &&
      ::pwrite(file.get(), data_.data(), data_.size(), kRingHeaderBytes) == static_cast<ssize_t>(data_.size());
  if (!is_made) std::abort();
}

std::string KeeperJudge::judge(const Remains& state, const Published& now) const {
  const Scratch scratch;
  restore(scratch, state, false);
  std::string fault = check_files(runs_of(scratch), state, now);
  if (!fault.empty()) return "the files alone: " + fault;
  if (!state.has_ring) return {};
  fault = check_rescue(state, now);
  if (!fault.empty()) return "rescued: " + fault;
  if (!trainer_lives_) return {};
  fault = check_new_keeper(state);
  return fault.empty() ? fault : "under a new keeper: " + fault;
}

/// Without the ring: the first records, at least those that the keeper called written.
std::string KeeperJudge::check_files(const std::string& directory, const Remains& state, const Published& now) const {
  if (!state.has_ring) return check_complete(directory, now);
  const Found found = read_all(directory);
  if (!found.fault.empty()) return found.fault;
  const RingKeeper& keeper = reinterpret_cast<const RingHeader*>(state.header.data())->keeper;
  if (found.last_sequence < keeper.written_sequence.load()) return "records that were called written are not there";
  if (found.last_sequence > now.last_sequence) return "records that were never logged";
  if (found.gap_count < keeper.dropped_recorded.load()) return "drops that were called recorded are not there";
  return {};
}

std::string KeeperJudge::check_complete(const std::string& directory, const Published& published) {
  const Found found = read_all(directory);
  if (!found.fault.empty()) return found.fault;
  if (found.last_sequence != published.last_sequence || found.row_count != published.row_count) {
    return std::to_string(found.last_sequence) + " of " + std::to_string(published.last_sequence) + " records";
  }
  if (found.gap_count != published.drop_count) {
    return std::to_string(found.gap_count) + " of " + std::to_string(published.drop_count) + " drops";
  }
  const int finish_count = published.has_finish ? 1 : 0;
  if (found.finish_count != finish_count || found.death_count != 1 - finish_count) return "not one finish or death";
  return found.ends_open ? "the journal has no end" : "";
}

std::string KeeperJudge::check_rescue(const Remains& state, const Published& now) const {
  const Scratch scratch;
  restore(scratch, state, false);
  const auto rescued = rescue_rings(rings_of(scratch), -1);
  if (rescued.size() != 1) return "the ring was not taken";
  if (!rescued[0].status.ok()) return rescued[0].status.message();
  const std::string fault = check_complete(runs_of(scratch), now);
  if (!fault.empty()) return fault;
  if (has_file_ending_in(rings_of(scratch), kRingNameSuffix)) return "the ring is still there";
  if (has_file_ending_in(runs_of(scratch), ".tail")) return "a tail is not sealed";
  return has_file_ending_in(runs_of(scratch), ".tmp") ? "an unfinished file is left" : "";
}

/// As keep(): rounds, the trainer's next records among them, the end, sealing.
std::string KeeperJudge::check_new_keeper(const Remains& state) const {
  const Scratch scratch;
  restore(scratch, state, true);
  const Descriptor file(::open(ring_of(scratch, state).c_str(), O_RDWR | O_CLOEXEC));
  auto ring = RingView::open(file.get());
  if (!ring.ok()) return ring.status().message();
  auto opened = Drain::open(*ring.value());
  if (!opened.ok()) return opened.status().message();
  Drain& drain = *opened.value();
  Status status = drain.round();
  RingProducer& trainer = ring.value()->producer();
  trainer.dropped_count.store(all_.drop_count, std::memory_order_release);
  trainer.head.store(all_.head, std::memory_order_release);
  for (int i = 0; i < kRoundsMax && status.ok() && !drain.done(); ++i) {
    status = drain.round();
    if (drain.finished()) drain.begin_end(std::nullopt);
  }
  if (!status.ok() || !drain.done()) return "it does not come to an end: " + status.message();
  for (const std::uint32_t number : drain.take_completed()) {
    status = pack_tail({ring.value()->directory(), ring.value()->stem(), ring.value()->journal()}, number);
    if (!status.ok()) return "sealing: " + status.message();
  }
  const std::string fault = check_complete(runs_of(scratch), all_);
  if (!fault.empty()) return fault;
  return has_file_ending_in(runs_of(scratch), ".tail") ? "a tail is not sealed" : "";
}

}  // namespace wb::test
