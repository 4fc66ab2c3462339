// The state directory and its lease: a file lock that ends with the process that holds it.
#include "sync/ledger_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "schema/journal/journal_reader.h"
#include "schema/os_status.h"

namespace wb {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateName = ".wbsync";
constexpr const char* kLeaseName = "lease";
constexpr int kLevelsUp = 4;
constexpr std::size_t kHolderBytesMax = 200;

Status system_status(int error, const std::string& path, const std::string& advice) {
  return {code_of_errno(error), path + ": " + std::strerror(error) + advice};
}

bool holds_journal_files(const fs::path& directory) {
  const auto journals = list_journals(directory.string());
  return journals.ok() && !journals.value().empty();
}

// Who holds the lease, as that process wrote it; what is in the file is shown to a person only.
std::string read_holder(int descriptor) {
  char text[kHolderBytesMax];
  const ssize_t bytes = pread(descriptor, text, sizeof text, 0);
  std::string holder;
  for (ssize_t i = 0; i < bytes; ++i) {
    if (text[i] >= ' ' && text[i] <= '~') holder += text[i];
  }
  return holder.empty() ? "another process" : holder;
}

}  // namespace

std::string state_directory(const std::string& path, const std::string& option) {
  if (!option.empty()) return option;
  std::error_code error;
  fs::path base = fs::absolute(path, error).lexically_normal();
  if (!base.has_filename()) base = base.parent_path();  // "runs/" ends in an empty name.
  fs::path at = base;
  for (int level = 0; level <= kLevelsUp && at.has_relative_path(); ++level, at = at.parent_path()) {
    if (fs::is_directory(at / kStateName, error)) return (at / kStateName).string();
  }
  if (!fs::is_directory(base, error)) base = base.parent_path();
  if (holds_journal_files(base)) base = base.parent_path();
  return (base / kStateName).string();
}

Status make_state_directory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) {
    struct stat info {};
    if (stat(directory.c_str(), &info) != 0) return system_status(errno, directory, "");
    if (S_ISDIR(info.st_mode)) return {};
    return {Code::kIoError, directory + ": is not a directory; choose another with --state DIR"};
  }
  return system_status(errno, directory, "; choose a place for wbsync's state with --state DIR");
}

Result<Lease> Lease::take(const std::string& directory) {
  const std::string path = directory + "/" + kLeaseName;
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (descriptor < 0) return system_status(errno, path, "; choose a place for wbsync's state with --state DIR");
  Lease lease(descriptor);
  struct stat info {};
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    return Status(Code::kIoError, path + ": is not a regular file; remove it");
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(descriptor, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return Status(Code::kTimeout, directory + ": in use by " + read_holder(descriptor) + "; wait for it to end");
    }
    return system_status(errno, path, "; this file system has no locks: use --state DIR on a local disk");
  }
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const std::string holder = "wbsync, process " + std::to_string(getpid()) + " on " + host + "\n";
  // Only for the message above: a failed write takes nothing away from the lock.
  if (ftruncate(descriptor, 0) == 0) (void)!pwrite(descriptor, holder.data(), holder.size(), 0);
  return lease;
}

Lease::~Lease() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace wb
