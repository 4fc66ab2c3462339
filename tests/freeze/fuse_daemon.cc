// libfuse's high-level interface: each call is made on the backing directory, in one thread.
#include "tests/freeze/fuse_daemon.h"

#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include "tests/support/keeper_process.h"
#include "tests/support/sandbox.h"

namespace wb::test {
namespace {

/// What the daemon knows. It is a process of its own: one of these a process.
struct Served {
  std::string backing;
  FuseControl* control;
};

Served& served() {
  return *static_cast<Served*>(fuse_get_context()->private_data);
}

std::string real(const char* path) {
  return served().backing + path;
}

int result(std::int64_t outcome) {
  return outcome < 0 ? -errno : static_cast<int>(outcome);
}

/// 0, or the negative error that the test has ordered.
int refusal(const std::atomic<int>& ordered) {
  const int error = ordered.load();
  if (error != 0) served().control->refused_count.fetch_add(1);
  return -error;
}
int write_refusal() {
  return refusal(served().control->write_error);
}
int read_refusal() {
  return refusal(served().control->read_error);
}

void add_reading(fuse_operations& operations) {
  operations.init = [](fuse_conn_info*, fuse_config* config) -> void* {
    config->hard_remove = 1;
    return &served();
  };
  operations.getattr = [](const char* path, struct stat* facts, fuse_file_info*) {
    if (const int error = read_refusal()) return error;
    return result(::lstat(real(path).c_str(), facts));
  };
  operations.open = [](const char* path, fuse_file_info* file) {
    if (const int error = read_refusal()) return error;
    const int fd = ::open(real(path).c_str(), file->flags & ~O_NOFOLLOW);
    file->fh = static_cast<std::uint64_t>(fd);
    return result(fd < 0 ? -1 : 0);
  };
  operations.read = [](const char*, char* to, std::size_t bytes, off_t offset, fuse_file_info* file) {
    if (const int error = read_refusal()) return error;
    return result(::pread(static_cast<int>(file->fh), to, bytes, offset));
  };
  operations.readdir = [](const char* path, void* to, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                          fuse_readdir_flags) {
    if (const int error = read_refusal()) return error;
    DIR* const stream = ::opendir(real(path).c_str());
    if (stream == nullptr) return -errno;
    while (const dirent* entry = ::readdir(stream)) fill(to, entry->d_name, nullptr, 0, fuse_fill_dir_flags{});
    ::closedir(stream);
    return 0;
  };
  operations.statfs = [](const char* path, struct statvfs* facts) {
    return result(::statvfs(real(path).c_str(), facts));
  };
  operations.release = [](const char*, fuse_file_info* file) { return result(::close(static_cast<int>(file->fh))); };
  operations.lock = [](const char*, fuse_file_info*, int, struct flock*) { return -ENOLCK; };
  operations.flock = [](const char*, fuse_file_info*, int) { return -ENOLCK; };
}

void add_writing(fuse_operations& operations) {
  operations.create = [](const char* path, mode_t mode, fuse_file_info* file) {
    if (const int error = write_refusal()) return error;
    const int fd = ::open(real(path).c_str(), file->flags | O_CREAT, mode);
    file->fh = static_cast<std::uint64_t>(fd);
    return result(fd < 0 ? -1 : 0);
  };
  operations.write = [](const char*, const char* from, std::size_t bytes, off_t offset, fuse_file_info* file) {
    if (const int error = write_refusal()) return error;
    return result(::pwrite(static_cast<int>(file->fh), from, bytes, offset));
  };
  operations.fsync = [](const char*, int, fuse_file_info* file) {
    if (const int error = write_refusal()) return error;
    return result(::fsync(static_cast<int>(file->fh)));
  };
  operations.fsyncdir = [](const char*, int, fuse_file_info*) { return write_refusal(); };
  operations.truncate = [](const char* path, off_t bytes, fuse_file_info*) {
    if (const int error = write_refusal()) return error;
    return result(::truncate(real(path).c_str(), bytes));
  };
  operations.mkdir = [](const char* path, mode_t mode) {
    if (const int error = write_refusal()) return error;
    return result(::mkdir(real(path).c_str(), mode));
  };
  operations.unlink = [](const char* path) {
    if (const int error = write_refusal()) return error;
    return result(::unlink(real(path).c_str()));
  };
  operations.rename = [](const char* from, const char* to, unsigned flags) {
    if (const int error = write_refusal()) return error;
    return flags != 0 ? -EINVAL : result(::rename(real(from).c_str(), real(to).c_str()));
  };
}

[[noreturn]] void serve(Served served, const char* mount_path) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  fuse_operations operations{};
  add_reading(operations);
  add_writing(operations);
  char name[] = "wbtest";
  char* arguments[] = {name, nullptr};
  fuse_args list = FUSE_ARGS_INIT(1, arguments);
  fuse* const session = fuse_new(&list, &operations, sizeof operations, &served);
  if (session == nullptr || fuse_mount(session, mount_path) != 0) ::_exit(1);
  ::_exit(fuse_loop(session));
}

bool is_fuse(const std::string& path) {
  struct statfs facts {};
  return ::statfs(path.c_str(), &facts) == 0 && facts.f_type == FUSE_SUPER_MAGIC;
}

}  // namespace

FuseDaemon::FuseDaemon() : directory_(sandbox_directory("fuse")), path_(directory_ + "/fs") {
  void* const memory = ::mmap(nullptr, sizeof(FuseControl), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the FUSE daemon");
  control_ = static_cast<FuseControl*>(memory);
  std::filesystem::create_directory(path_);
  const std::string backing = directory_ + "/backing";
  std::filesystem::create_directory(backing);
  daemon_ = ::fork();
  if (daemon_ == 0) serve({.backing = backing, .control = control_}, path_.c_str());
  const auto has_ended = [&] { return ::waitpid(daemon_, nullptr, WNOHANG) != 0; };
  bool is_over = false;
  eventually([&] { return is_fuse(path_) || (is_over = has_ended()); }, 10);
  if (is_over) daemon_ = -1;
  if (!is_fuse(path_)) throw std::runtime_error("cannot mount a FUSE file system on " + path_);
}

FuseDaemon::~FuseDaemon() {
  ::umount2(path_.c_str(), MNT_DETACH);
  if (daemon_ > 0) {
    ::kill(daemon_, SIGKILL);
    ::waitpid(daemon_, nullptr, 0);
  }
  ::munmap(control_, sizeof(FuseControl));
  std::error_code error;
  std::filesystem::remove_all(directory_, error);
}

void FuseDaemon::stop() {
  ::kill(daemon_, SIGSTOP);
}

void FuseDaemon::go_on() {
  ::kill(daemon_, SIGCONT);
}

}  // namespace wb::test
