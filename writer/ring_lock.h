// The two fcntl locks of a ring: byte 0 says that the trainer lives, byte 1 that a keeper has it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace wb {

inline constexpr off_t kTrainerLockByte = 0;
inline constexpr off_t kKeeperLockByte = 1;

inline struct flock ring_lock_request(off_t byte, short type) noexcept {
  struct flock request {};
  request.l_type = type;
  request.l_whence = SEEK_SET;
  request.l_start = byte;
  request.l_len = 1;
  return request;
}

/// Takes the lock, without waiting. False: another process holds it. Lost when this process closes any descriptor of
/// the file.
inline bool lock_ring(int fd, off_t byte) noexcept {
  struct flock request = ring_lock_request(byte, F_WRLCK);
  return ::fcntl(fd, F_SETLK, &request) == 0;
}

/// True if another process holds the lock.
inline bool is_ring_locked(int fd, off_t byte) noexcept {
  struct flock request = ring_lock_request(byte, F_WRLCK);
  return ::fcntl(fd, F_GETLK, &request) == 0 && request.l_type != F_UNLCK;
}

}  // namespace wb
