// ptrace: one instruction is the kernel's single step; a mark is an int3 in the child's own code.
#include "tests/faults/step/tracee.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#if !defined(__x86_64__)
#error "The stepper knows the instructions of x86-64 only."
#endif

namespace wb::test {
namespace {

constexpr long kInt3 = 0xCC;

int thread_count() {
  int count = 0;
  DIR* const tasks = ::opendir("/proc/self/task");
  while (const dirent* entry = tasks != nullptr ? ::readdir(tasks) : nullptr) count += entry->d_name[0] != '.' ? 1 : 0;
  if (tasks != nullptr) ::closedir(tasks);
  return count;
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::abort();
}

long peek_register(pid_t pid, std::size_t offset) {
  errno = 0;
  const long value = ::ptrace(PTRACE_PEEKUSER, pid, offset, nullptr);
  if (errno != 0) give_up("ptrace: reading a register");
  return value;
}

void poke_register(pid_t pid, std::size_t offset, std::uint64_t value) {
  if (::ptrace(PTRACE_POKEUSER, pid, offset, value) != 0) give_up("ptrace: changing a register");
}

long peek_word(pid_t pid, std::uint64_t at) {
  errno = 0;
  const long word = ::ptrace(PTRACE_PEEKTEXT, pid, at, nullptr);
  if (errno != 0) give_up("ptrace: reading an instruction");
  return word;
}

}  // namespace

Tracee::Tracee(const std::function<void()>& body) {
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    body();
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) != pid_ || !WIFSTOPPED(status)) give_up("the stepped child did not start");
  ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
}

Tracee::~Tracee() {
  kill();
}

void Tracee::be_traced() {
  while (thread_count() > 1) ::sched_yield();
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) give_up("ptrace");
  ::raise(SIGSTOP);
}

bool Tracee::wait() {
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) give_up("waitpid");
  if (!WIFSTOPPED(status)) {
    pid_ = -1;
    return false;
  }
  signal_ = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
  return true;
}

bool Tracee::run_to_mark() {
  do {
    if (::ptrace(PTRACE_CONT, pid_, nullptr, signal_) != 0) give_up("ptrace: going on");
    if (!wait()) return false;
  } while (signal_ != 0);
  return true;
}

void Tracee::watch(const std::string& path) {
  std::ifstream maps("/proc/" + std::to_string(pid_) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long first = 0;
    unsigned long long behind = 0;
    const bool is_it = line.find(path) != std::string::npos;
    if (is_it && std::sscanf(line.c_str(), "%llx-%llx", &first, &behind) == 2) watched_.emplace_back(first, behind);
  }
  if (watched_.empty()) give_up("the child has not mapped the file");
}

bool Tracee::is_watched(std::uint64_t address) const {
  for (const auto& [first, behind] : watched_) {
    if (address >= first && address < behind) return true;
  }
  return false;
}

bool Tracee::step() {
  const std::uint64_t at = instruction_pointer();
  const unsigned repeated_bytes = decode(at).repeated_bytes;
  if (repeated_bytes > 0) {
    const long destination = peek_register(pid_, offsetof(user_regs_struct, rdi));
    if (!is_watched(static_cast<std::uint64_t>(destination))) return step_over_repeat(at + repeated_bytes);
  }
  if (::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, signal_) != 0) give_up("ptrace: a step");
  return wait();
}

std::uint64_t Tracee::instruction_pointer() const {
  return static_cast<std::uint64_t>(peek_register(pid_, offsetof(user_regs_struct, rip)));
}

Tracee::Instruction Tracee::decode(std::uint64_t at) {
  const auto known = known_.find(at);
  if (known != known_.end()) return known->second;
  unsigned char bytes[8];
  const long word = peek_word(pid_, at);
  std::memcpy(bytes, &word, sizeof word);
  Instruction found{
      .is_syscall = bytes[0] == 0x0F && bytes[1] == 0x05, .is_mark = bytes[0] == kInt3, .repeated_bytes = 0};
  if (bytes[0] == 0xF3 || bytes[0] == 0xF2) {
    const unsigned prefix_bytes = (bytes[1] & 0xF0) == 0x40 ? 2 : 1;  // With or without a REX prefix.
    const unsigned char code = bytes[prefix_bytes];
    const bool is_string = (code >= 0xA4 && code <= 0xA7) || (code >= 0xAA && code <= 0xAF);
    if (is_string) found.repeated_bytes = prefix_bytes + 1;
  }
  known_.emplace(at, found);
  return found;
}

bool Tracee::is_at_syscall() {
  return decode(instruction_pointer()).is_syscall;
}

bool Tracee::is_at_mark() {
  return decode(instruction_pointer()).is_mark;
}

/// All rounds at once, by a breakpoint at `behind`.
bool Tracee::step_over_repeat(std::uint64_t behind) {
  const long word = peek_word(pid_, behind);
  if (::ptrace(PTRACE_POKETEXT, pid_, behind, (word & ~0xFFL) | kInt3) != 0) give_up("ptrace: setting a breakpoint");
  if (!run_to_mark()) return false;
  if (::ptrace(PTRACE_POKETEXT, pid_, behind, word) != 0) give_up("ptrace: removing a breakpoint");
  poke_register(pid_, offsetof(user_regs_struct, rip), behind);
  return true;
}

std::uint64_t Tracee::run_through_syscall() {
  constexpr int kSyscallStop = SIGTRAP | 0x80;
  std::uint64_t number = kNone;
  for (int stops = 0; stops < 2;) {  // Where the call begins and where it ends.
    if (::ptrace(PTRACE_SYSCALL, pid_, nullptr, signal_) != 0) give_up("ptrace: going on to a system call");
    if (!wait()) return kNone;
    if (signal_ == 0) {  // A mark: the child is set back before it.
      poke_register(pid_, offsetof(user_regs_struct, rip), instruction_pointer() - 1);
      return kNone;
    }
    if (signal_ != kSyscallStop) continue;
    signal_ = 0;
    if (stops++ == 0) number = static_cast<std::uint64_t>(peek_register(pid_, offsetof(user_regs_struct, orig_rax)));
  }
  return number;
}

std::uint64_t Tracee::syscall_number() const {
  return static_cast<std::uint64_t>(peek_register(pid_, offsetof(user_regs_struct, rax)));
}

std::uint64_t Tracee::syscall_argument(int argument) const {
  constexpr std::size_t kRegisters[] = {offsetof(user_regs_struct, rdi), offsetof(user_regs_struct, rsi),
                                        offsetof(user_regs_struct, rdx)};
  return static_cast<std::uint64_t>(peek_register(pid_, kRegisters[argument]));
}

void Tracee::skip_syscall(std::int64_t result) {
  poke_register(pid_, offsetof(user_regs_struct, rip), instruction_pointer() + 2);
  poke_register(pid_, offsetof(user_regs_struct, rax), static_cast<std::uint64_t>(result));
}

void Tracee::set_third_argument(std::uint64_t value) {
  poke_register(pid_, offsetof(user_regs_struct, rdx), value);
}

void Tracee::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status)) {
  }
  pid_ = -1;
}

}  // namespace wb::test
