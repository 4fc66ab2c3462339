// RingView: the keeper's side of an existing ring, opened by descriptor and trusted in nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "schema/ring_layout.h"
#include "schema/uuid.h"
#include "wb/status.h"

namespace wb {

/// The mappings of one ring: its header, and its data twice, one copy behind the other. What the trainer wrote once
/// is copied and checked when the ring is opened; the shared atomics may hold anything at any time.
/// Does not own the descriptor and needs it no more once it is open.
class RingView {
 public:
  /// kCorrupt: no ring, or its header contradicts itself. kUnsupported: another version. kIoError: the mapping failed.
  /// kPermission: it belongs to another user.
  static Result<std::unique_ptr<RingView>> open(int fd);
  ~RingView();
  RingView(const RingView&) = delete;
  RingView& operator=(const RingView&) = delete;

  RingProducer& producer() noexcept { return header_->producer; }
  RingKeeper& keeper() noexcept { return header_->keeper; }
  const RingIdentity& identity() const noexcept { return identity_; }
  const Uuid& journal() const noexcept { return journal_; }
  const std::string& directory() const noexcept { return directory_; }
  const std::string& stem() const noexcept { return stem_; }
  std::uint64_t data_bytes() const noexcept { return identity_.data_bytes; }

  /// The bytes [offset, offset + count) of the stream in one piece; count is at most data_bytes().
  std::span<const std::byte> bytes(std::uint64_t offset, std::size_t count) const noexcept;

  /// Tells the trainer how the keeper fares, and wakes it. The text is cut at the field's size.
  void report(KeeperState state, Code code, std::string_view text) noexcept;
  /// Wakes whoever waits for `reply` to change.
  void wake_trainer() noexcept;

  /// Sleeps until the doorbell differs from `seen` or the time is over.
  void wait_for_doorbell(std::uint32_t seen, std::int64_t timeout_ns) noexcept;
  /// Cuts a wait_for_doorbell of this keeper short.
  void ring_doorbell() noexcept;

 private:
  RingView() = default;
  Status map(int fd);

  RingHeader* header_ = nullptr;
  std::byte* data_ = nullptr;
  RingIdentity identity_{};
  Uuid journal_;
  std::string directory_;
  std::string stem_;
};

/// The path under which the ring that `fd` refers to can be unlinked; empty if it has no name (a memfd, unlinked).
std::string ring_path(int fd, const RingView& ring);

}  // namespace wb
