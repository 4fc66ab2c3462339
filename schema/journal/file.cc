// Files of a journal: system calls and what their errors mean.
#include "schema/journal/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "schema/os_status.h"

namespace wb {

Result<ShortPath> ShortPath::of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  ShortPath made;
  made.directory = Descriptor(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (made.directory.get() < 0) return file_status(directory, "open", errno);
  made.path = "/proc/self/fd/" + std::to_string(made.directory.get()) + "/" +
              path.substr(slash == std::string::npos ? 0 : slash + 1);
  return made;
}

Status file_status(const std::string& path, const char* what, int error) {
  Code code = code_of_errno(error);
  if (error == ESTALE) code = Code::kNotFound;  // An NFS server's word for a file that was sealed or moved meanwhile.
  if (error == ELOOP) code = Code::kCorrupt;    // A link where a journal's file should be.
  return {code, path + ": " + what + ": " + std::strerror(error)};
}

bool is_vanished(const Status& status) noexcept {
  return status.code() == Code::kNotFound;
}

Result<Descriptor> open_regular(const std::string& path, std::uint64_t* bytes) {
  // O_NONBLOCK: a pipe with a journal's name must not hang the reader.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return file_status(path, "open", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return file_status(path, "stat", errno);
  if (!S_ISREG(status.st_mode)) return Status(Code::kCorrupt, path + ": not a regular file");
  if (bytes != nullptr) *bytes = static_cast<std::uint64_t>(status.st_size);
  return file;
}

std::uint64_t regular_bytes(const std::string& path) noexcept {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<Descriptor> create_regular(const std::string& path) {
  constexpr mode_t kMode = 0666;  // Less the umask, as the tails: projects share their directories.
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (file.get() < 0) return file_status(path, "create", errno);
  return file;
}

}  // namespace wb
