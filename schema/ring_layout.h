// The ring: shared memory between one trainer and its keeper. One file on tmpfs, or a memfd.
//
// The file is kRingHeaderBytes of header, then `data_bytes` (a power of two) of frames. Both sides map the data
// twice, one copy behind the other, so that a frame that wraps around lies in one piece. `head` and `tail` count
// bytes since the start and never wrap; a frame at offset o lies at data[o & (data_bytes - 1)].
//
// Each atomic is stored by one side only: the producer's by the trainer under its private lock, the keeper's by
// the keeper. Nothing else is shared.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "schema/limits.h"

namespace wb {

inline constexpr std::size_t kRingHeaderBytes = 16 * 1024;
inline constexpr char kRingMagic[8] = {'w', 'b', 'r', 'i', 'n', 'g', '0', '\n'};
inline constexpr std::uint32_t kRingVersion = 0;
/// A ring's name under /dev/shm: "wb-<uid>-<32 hex>.ring".
inline constexpr char kRingNamePrefix[] = "wb-";
inline constexpr char kRingNameSuffix[] = ".ring";

enum class TrainerState : std::uint32_t {
  kOpen = 0,
  kFinished = 1,  ///< A finish record is the last record in the ring.
};

enum class KeeperState : std::uint32_t {
  kNone = 0,
  kReady = 1,    ///< Directory and tail exist; init may return.
  kFailing = 2,  ///< The last write failed; status_code and status_text say why. It goes on trying.
  kRefused = 3,  ///< It could not create the journal at the start and has ended; status says why.
  kDone = 4,     ///< Everything is durable, the ring is unlinked; what is left to do is sealing.
  kSealed = 5,   ///< As kDone, and the sealing is over too; the keeper ends. Never said by a keeper thread.
};

constexpr bool is_done(KeeperState state) noexcept {
  return state == KeeperState::kDone || state == KeeperState::kSealed;
}

/// Written once by the trainer before the ring is handed over, then constant.
struct RingIdentity {
  char magic[8];
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t data_bytes;
  std::uint8_t journal_uuid[16];
  char boot_id[40];  ///< Text of /proc/sys/kernel/random/boot_id, zero-terminated.
  std::int32_t trainer_pid;
  std::uint32_t trainer_uid;
  std::uint64_t trainer_start_ticks;  ///< Field 22 of /proc/PID/stat: tells a reused pid.
  std::uint32_t sync_interval_ms;     ///< 0: 1 s on local file systems, 5 s on network ones.
  std::uint32_t keeper_is_thread;     ///< 1: the tail only, no sealing.
};

/// Stored by the trainer (under its private lock, but for the doorbell).
struct alignas(64) RingProducer {
  std::atomic<std::uint64_t> head;               ///< Release: publishes all bytes of the frames before it.
  std::atomic<std::uint64_t> dropped_count;      ///< Release: publishes the two steps below.
  std::atomic<std::int64_t> dropped_first_step;  ///< Of the drops that no gap record names yet.
  std::atomic<std::int64_t> dropped_last_step;
  std::atomic<std::uint64_t> sync_request;  ///< Counts calls of flush and finish: sync at once.
  std::atomic<TrainerState> trainer_state;
  std::atomic<std::uint32_t> doorbell;           ///< Futex: woken to cut the keeper's 10 ms sleep short.
  std::atomic<std::uint64_t> accepted_sequence;  ///< Last sequence number published; a hint for readers of the ring.
};

/// Stored by the keeper.
struct alignas(64) RingKeeper {
  std::atomic<std::uint64_t> tail;              ///< Release: the bytes before it may be overwritten.
  std::atomic<std::int64_t> last_advance_ns;    ///< CLOCK_MONOTONIC when `tail` last moved or the ring was empty.
  std::atomic<std::int64_t> heartbeat_ns;       ///< CLOCK_MONOTONIC, by a thread that touches no file system.
  std::atomic<std::int64_t> wall_offset_us;     ///< CLOCK_REALTIME - CLOCK_MONOTONIC, refreshed with the heartbeat.
  std::atomic<std::uint64_t> written_sequence;  ///< A1: last trainer sequence number written.
  std::atomic<std::uint64_t> durable_sequence;  ///< A2: last trainer sequence number synced.
  std::atomic<std::uint64_t> synced_request;    ///< The newest sync_request that a sync has covered.
  std::atomic<std::uint64_t> dropped_recorded;  ///< How much of dropped_count stands in gap records.
  alignas(64) std::atomic<std::int32_t> keeper_pid;
  std::atomic<KeeperState> state;          ///< Release: publishes status_code and status_text.
  std::atomic<std::uint32_t> status_code;  ///< A wb::Code.
  std::atomic<std::uint32_t> reply;        ///< Futex: counts reports that the trainer may wait for.
  std::atomic<std::uint64_t> progress;     ///< Counts completed writes and syncs; finish() watches it.
  char status_text[512];                   ///< Zero-terminated; written before `state` and `status_code`.
};

/// The first kRingHeaderBytes of the file.
struct RingHeader {
  RingIdentity identity;
  alignas(256) RingProducer producer;
  alignas(256) RingKeeper keeper;
  alignas(4096) char directory[4096];  ///< The run's directory (DIR/<run id>), absolute, zero-terminated.
  char stem[512];                      ///< The journal's file name without number and ending, zero-terminated.
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<KeeperState>) == 4);
static_assert(offsetof(RingHeader, producer) == 256);
static_assert(offsetof(RingHeader, keeper) == 512);
static_assert(offsetof(RingHeader, directory) == 4096);
static_assert(offsetof(RingHeader, stem) == 8192);
static_assert(sizeof(RingHeader) <= kRingHeaderBytes);

}  // namespace wb
