// TailWriter: writes the tails of one journal: the present one forward, a new one when it is full or has failed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "schema/limits.h"
#include "schema/record.h"
#include "writer/tail_directory.h"
#include "writer/tail_snapshot.h"

namespace wb {

/// What the tails of an earlier keeper of this journal hold.
struct TailsFound {
  std::uint64_t last_sequence = 0;  ///< Of the trainer's records.
  std::uint64_t last_keeper_sequence = 0;
  std::uint64_t gap_total = 0;              ///< Drops that gap records name, since the journal's start.
  bool has_finish = false;                  ///< A finish record is there.
  bool has_death = false;                   ///< A death record is there.
  bool has_end = false;                     ///< The journal's end is there: nothing follows.
  std::vector<std::uint32_t> tail_numbers;  ///< Their files, still to be sealed.
};

/// Frames that may wait for a sync; with more of them one is due.
inline constexpr std::size_t kUndurableBytesMax = 12U << 20;

/// Keeps a copy of each frame until a sync covers it. When a write or sync fails, the tail's descriptor is given up for
/// good and healthy() is false; recover() then puts the kept frames into a new tail. A tail that somebody deletes
/// counts as failed at its next sync. Belongs to one thread.
class TailWriter {
 public:
  /// Makes the directory, reads what an earlier keeper left, and creates the next tail. It never appends to a tail that
  /// it did not create. Fails with kPermission, kNoSpace or kIoError and then leaves no file behind. Where the earlier
  /// tails hold the journal's end, no tail is created and healthy() is false.
  /// `durable_before_failure` is set if a write or sync of the earlier keeper had failed when it ended, to the last
  /// record that was durable then: the system tells of lost pages once, so what came later is written anew.
  static Result<std::unique_ptr<TailWriter>> open(const JournalPlace& place, std::size_t tail_bytes_max,
                                                  std::optional<std::uint64_t> durable_before_failure);

  const TailsFound& found() const noexcept { return found_; }
  bool is_network() const noexcept { return directory_.is_network(); }

  /// False after a failed write or sync, until recover() succeeds. append() and sync() may be called only while true.
  bool healthy() const noexcept { return file_.is_open(); }
  /// Writes all kept frames into a new tail and syncs it. A failure leaves no file behind; call again later.
  Status recover();

  /// Starts the next tail if the present one is full. After a failure healthy() says whether the present one goes on.
  Status rotate_if_full();

  /// Takes whole, verified frames of the trainer and writes them. If the write fails they are kept for recover().
  Status append(std::span<const std::byte> frames);
  /// The same for a record of the keeper, which gets the keeper's next sequence number.
  Status append_record(Kind kind, std::span<const std::byte> payload);

  /// Makes everything durable that was appended.
  Status sync();

  std::uint64_t last_sequence() const noexcept { return last_sequence_; }        ///< Last one appended.
  std::uint64_t durable_sequence() const noexcept { return durable_sequence_; }  ///< Last one synced.
  std::size_t undurable_bytes() const noexcept { return undurable_.size(); }

  /// Closes the present tail; nothing can be appended afterwards.
  void close();
  /// The numbers of the tails that get no more frames and are safe to seal; each is given once.
  std::vector<std::uint32_t> take_completed();

 private:
  TailWriter(TailDirectory directory, std::size_t tail_bytes_max)
      : directory_(std::move(directory)), tail_bytes_max_(tail_bytes_max) {}
  Status read_earlier_tails();
  std::vector<std::uint32_t> sync_earlier_tails();
  Status write_kept_frames();
  Status copy_earlier_tail(std::uint32_t number, std::uint64_t durable);
  Status start_tail(std::uint32_t number, Descriptor file, std::span<const std::byte> frames);
  std::vector<std::byte> snapshot_frames();
  std::vector<std::byte> keeper_frame(Kind kind, std::span<const std::byte> payload);
  void note(const Frame& frame);
  bool is_deleted() const noexcept;
  Status give_up(Status status);
  void clear_undurable();

  TailDirectory directory_;
  std::size_t tail_bytes_max_;
  TailsFound found_;
  TailSnapshot snapshot_;
  Descriptor file_;                     // The present tail; closed: recover() is needed.
  bool has_durable_name_ = false;       // A sync of the directory has covered the present tail.
  std::uint32_t number_ = 0;            // Of the present tail, or of the last one.
  std::size_t written_bytes_ = 0;       // Of frames in the present tail, its snapshot left out.
  std::vector<std::byte> undurable_;    // Frames appended since the last sync, in order.
  std::size_t written_back_bytes_ = 0;  // Of undurable_: handed to the disk already.
  std::uint64_t last_sequence_ = 0;
  std::uint64_t durable_sequence_ = 0;
  std::uint64_t keeper_sequence_ = 0;     // The last one given.
  std::vector<std::uint32_t> abandoned_;  // Failed tails; safe to seal once their kept frames are in a new one.
  std::vector<std::uint32_t> completed_;
};

}  // namespace wb
