// fork and exec; waitid() tells of the end before the process is collected, so that its scheduling can still be read.
#include "tests/freeze/trainer_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/keeper_process.h"

namespace wb::test {
namespace {

std::vector<std::string> command(Language language, int report, const std::string& directory, double rate) {
  std::vector<std::string> words = {WB_BINARY_DIR "/bin/wb_freeze_trainer"};
  if (language == Language::kPython)
    words = {WB_SOURCE_DIR "/.venv/bin/python", WB_SOURCE_DIR "/tests/freeze/trainer.py"};
  words.insert(words.end(), {std::to_string(report), directory, std::to_string(static_cast<std::uint64_t>(rate))});
  return words;
}

std::int64_t waited_for_processor_ns(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/schedstat");
  std::int64_t ran = 0;
  std::int64_t waited = 0;
  file >> ran >> waited;
  return waited;
}

}  // namespace

std::int64_t monotonic_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

TrainerProcess::TrainerProcess(Language language, const std::string& directory, double rate,
                               const std::vector<std::string>& settings) {
  errors_fd_ = ::memfd_create("stderr", MFD_CLOEXEC);
  const int report = ::memfd_create("report", 0);
  EXPECT_EQ(::ftruncate(report, sizeof(TrainerReport)), 0);
  void* const memory = ::mmap(nullptr, sizeof(TrainerReport), PROT_READ | PROT_WRITE, MAP_SHARED, report, 0);
  EXPECT_NE(memory, MAP_FAILED);
  report_ = static_cast<TrainerReport*>(memory);
  const std::vector<std::string> words = command(language, report, directory, rate);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(errors_fd_, 2);
    ::setenv("WB_KEEPER_PATH", WB_BINARY_DIR "/bin/wbkeep", 1);
    for (const std::string& setting : settings) ::putenv(const_cast<char*>(setting.c_str()));
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(report);
}

TrainerProcess::~TrainerProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::munmap(report_, sizeof(TrainerReport));
  ::close(errors_fd_);
}

bool TrainerProcess::is_alive() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

pid_t TrainerProcess::keeper() const {
  // The one process that has the ring open and is not the trainer: by the lock on byte 1 of a file on this /dev/shm.
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    const std::string name = process.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream command(process.path() / "comm");
    std::string program;
    std::getline(command, program);
    if (program != "wbkeep") continue;
    std::error_code error;
    const auto ring = std::filesystem::read_symlink(process.path() / "fd/3", error);
    if (error) continue;
    for (const auto& file : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", error)) {
      if (std::filesystem::read_symlink(file.path(), error) == ring) return std::stoi(name);
    }
  }
  return 0;
}

void TrainerProcess::await_logging() const {
  ASSERT_TRUE(eventually([&] { return report_->phase.load() == 1 || !is_alive(); }, 10));
  std::string errors;
  for (const std::string& line : said()) errors += line + "\n";
  ASSERT_TRUE(is_alive()) << errors;
}

TrainerEnd TrainerProcess::finish() {
  report_->is_to_finish.store(1);
  TrainerEnd end;
  siginfo_t info{};
  const bool has_ended = eventually([&] { return !is_alive(); }, 60);
  const std::int64_t ended_ns = monotonic_now_ns();
  if (!has_ended) {
    ADD_FAILURE() << "the trainer did not end";
    ::kill(pid_, SIGKILL);
  }
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  end.exit_ns = ended_ns - static_cast<std::int64_t>(report_->finish_at_ns.load());
  end.waited_ns = waited_for_processor_ns(pid_) - static_cast<std::int64_t>(report_->finish_waited_ns.load());
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  return end;
}

std::vector<std::string> TrainerProcess::said() const {
  std::string text;
  std::array<char, 4096> part{};
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(errors_fd_, part.data(), part.size(), at);
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
    at += got;
  }
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace wb::test
