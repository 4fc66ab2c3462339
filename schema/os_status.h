// The Status of a failed system call: a code to act on, and what was tried with the system's own words.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "wb/status.h"

namespace wb {

constexpr Code code_of_errno(int error) noexcept {
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kPermission;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Code::kNoSpace;
    case ENOENT:
    case ENOTDIR:
      return Code::kNotFound;
    case EEXIST:
      return Code::kExists;
    default:
      return Code::kIoError;
  }
}

/// "cannot write /runs/a/b.tail: No space left on device"
inline Status os_status(int error, const std::string& what) {
  return {code_of_errno(error), what + ": " + std::generic_category().message(error)};
}

}  // namespace wb
