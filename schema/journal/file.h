// Files of a journal: opened without following links or hanging on a pipe.
#pragma once

#include <cstdint>
#include <string>

#include "schema/descriptor.h"
#include "wb/status.h"

namespace wb {

/// A file's path by way of its directory's descriptor: short whatever the directory's name is, since SQLite opens no
/// path of more than 512 bytes. Valid as long as it lives.
struct ShortPath {
  Descriptor directory;
  std::string path;
  static Result<ShortPath> of(const std::string& path);
};

/// The Status of a failed system call: `path: what: text of the error`.
Status file_status(const std::string& path, const char* what, int error);
/// True for the errors after which a journal's directory is listed again: the file was sealed or moved meanwhile.
bool is_vanished(const Status& status) noexcept;

/// Opens a regular file for reading. kNotFound (also ESTALE), kPermission, kIoError; kCorrupt: it is a link, a pipe, a
/// directory or a device.
Result<Descriptor> open_regular(const std::string& path, std::uint64_t* bytes = nullptr);

/// The file's size as it is now; 0 if it is gone.
std::uint64_t regular_bytes(const std::string& path) noexcept;

/// Creates the file with O_EXCL for reading and writing. kExists, kNotFound, kPermission, kNoSpace, kIoError.
Result<Descriptor> create_regular(const std::string& path);

}  // namespace wb
