// RingCopy: what a SIGKILL would leave of a trainer's ring, kept up to date store by store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "schema/descriptor.h"
#include "schema/ring_layout.h"

namespace wb::test {

/// A second ring in memory that follows a live one. What survives the trainer is its ring and the keeper's files,
/// nothing else; so a recovery from this copy finds what a recovery after a SIGKILL at this moment would find.
class RingCopy {
 public:
  enum class Change : std::uint8_t {
    kNone,
    kBeyondHead,  ///< Bytes that no reader looks at yet.
    kVisible,     ///< The header, or bytes between tail and head.
  };

  /// Copies all of the ring that `fd` refers to. `fd` is borrowed.
  explicit RingCopy(int fd);
  ~RingCopy();
  RingCopy(const RingCopy&) = delete;
  RingCopy& operator=(const RingCopy&) = delete;

  /// Copies all of it anew.
  void copy_all();
  /// Looks for what the trainer has stored since the last call: in its words of the header, in the `window_bytes`
  /// behind the head, and just before it. Copies that.
  Change update(std::size_t window_bytes);
  /// True if the whole ring is as the copy: nothing was stored outside of the window. The keeper's words are left out.
  bool is_same() const;
  /// Takes the keeper's words from the ring: a recovery has changed those of the copy.
  void copy_keeper();
  /// True if the bytes between tail and head are whole frames that verify, the last one ending at the head.
  bool is_whole_to_head() const;

  RingHeader& live() noexcept { return *reinterpret_cast<RingHeader*>(live_); }
  std::size_t data_bytes() const noexcept { return data_bytes_; }
  int copy_fd() const noexcept { return copy_file_.get(); }

 private:
  bool take_changes(std::size_t first, std::size_t count);
  std::uint64_t head() const noexcept;

  std::size_t data_bytes_ = 0;
  std::byte* live_ = nullptr;
  std::byte* copy_ = nullptr;
  Descriptor copy_file_;
};

}  // namespace wb::test
