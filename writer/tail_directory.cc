// Directory and file calls of the keeper, each with a message that says what to do.
#include "writer/tail_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <memory>

#include "schema/os_status.h"
#include "schema/tail_file.h"

namespace wb {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Adds to `parents` the directories that got a new entry.
Status make_directories(const std::string& path, std::vector<std::string>& parents) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0777) == 0) {
      parents.push_back(parent_of(part));
    } else if (errno != EEXIST) {
      // A parent that exists may refuse with another error than EEXIST (read-only, not ours): what counts is that
      // it is there.
      const int error = errno;
      struct stat facts {};
      if (::stat(part.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        return with_advice(os_status(error, "cannot create directory " + part));
      }
    }
    if (slash == std::string::npos) return {};
  }
}

Status sync_directory(int fd, const std::string& path) {
  if (::fsync(fd) == 0 || errno == EINVAL) return {};  // EINVAL: a file system that needs none.
  return with_advice(os_status(errno, "cannot sync directory " + path));
}

}  // namespace

Status with_advice(Status status) {
  switch (status.code()) {
    case Code::kPermission:
      return {status.code(), status.message() + "; make it writable, or choose another directory with WB_DIR"};
    case Code::kNoSpace:
      return {status.code(), status.message() + "; free space or quota there, or choose another directory with WB_DIR"};
    case Code::kNotFound:
    case Code::kIoError:
      return {Code::kIoError,
              status.message() + "; see whether its file system is well, or choose another directory with WB_DIR"};
    default:
      return status;
  }
}

Status write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return os_status(errno, "write");
    if (written == 0) return {Code::kIoError, "write: nothing was written"};
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<TailDirectory> TailDirectory::open(JournalPlace place) {
  TailDirectory directory;
  directory.place_ = std::move(place);
  // An earlier keeper may have made the directory and died before it synced this.
  directory.unsynced_above_ = {parent_of(directory.place_.directory)};
  if (Status status = directory.reopen(); !status.ok()) return status;
  return directory;
}

Status TailDirectory::reopen() {
  Status status = make_directories(place_.directory, unsynced_above_);
  return status.ok() ? open_fd() : status;
}

Result<TailDirectory> TailDirectory::open_existing(JournalPlace place) {
  TailDirectory directory;
  directory.place_ = std::move(place);
  if (Status status = directory.open_fd(); !status.ok()) return status;
  return directory;
}

Status TailDirectory::open_fd() {
  fd_.reset(::open(place_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd_.is_open()) return {};
  Status status = os_status(errno, "cannot open directory " + place_.directory);
  return status.code() == Code::kNotFound ? status : with_advice(std::move(status));
}

Result<std::vector<JournalFileName>> TailDirectory::list() const {
  struct CloseDir {
    void operator()(DIR* stream) const noexcept { ::closedir(stream); }
  };
  const int copy = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseDir> stream(copy < 0 ? nullptr : ::fdopendir(copy));
  if (!stream) return with_advice(os_status(errno, "cannot list " + place_.directory));
  std::vector<JournalFileName> files;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    auto file = parse_journal_file(entry->d_name);
    if (file && file->stem == place_.stem) files.push_back(*std::move(file));
    errno = 0;
  }
  if (errno != 0) return with_advice(os_status(errno, "cannot list " + place_.directory));
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return files;
}

Result<Descriptor> TailDirectory::create_tail(std::uint32_t number) const {
  const std::string name = tail_name(number);
  Descriptor file(
      ::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0666));
  if (!file.is_open()) return with_advice(os_status(errno, "cannot create " + path_of(name)));
  TailHead head;
  head.file_number = number;
  head.journal = place_.journal;
  const auto bytes = encode_tail_head(head);
  Status status = write_all(file.get(), bytes);
  if (status.ok()) return file;
  remove_tail(number);
  return write_status(number, status);
}

Status TailDirectory::sync() {
  if (Status status = sync_directory(fd_.get(), place_.directory); !status.ok()) return status;
  for (; !unsynced_above_.empty(); unsynced_above_.pop_back()) {
    const std::string& path = unsynced_above_.back();
    const Descriptor above(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!above.is_open()) continue;  // One that may be written and not read cannot be synced.
    if (Status status = sync_directory(above.get(), path); !status.ok()) return status;
  }
  return {};
}

Status TailDirectory::write_status(std::uint32_t number, const Status& failure) const {
  return with_advice({failure.code(), "cannot write " + path_of(tail_name(number)) + ": " + failure.message()});
}

void TailDirectory::remove_tail(std::uint32_t number) const noexcept {
  ::unlinkat(fd_.get(), tail_name(number).c_str(), 0);
}

bool TailDirectory::is_network() const noexcept {
  struct statfs facts {};
  if (::fstatfs(fd_.get(), &facts) != 0) return false;
  switch (static_cast<std::uint32_t>(facts.f_type)) {
    case 0x00006969:  // NFS
    case 0x0BD00BD0:  // Lustre
    case 0x47504653:  // GPFS
    case 0xFF534D42:  // CIFS
    case 0xFE534D42:  // SMB2
    case 0x65735546:  // FUSE
    case 0x00C36400:  // Ceph
    case 0x19830326:  // BeeGFS
    case 0xAAD7AAEA:  // PanFS
    case 0x20030528:  // OrangeFS
    case 0x18031977:  // WekaFS
    case 0x01021997:  // 9P
    case 0x5346414F:  // AFS
    case 0x7461636F:  // OCFS2
    case 0x01161970:  // GFS2
      return true;
    default:
      return false;
  }
}

}  // namespace wb
