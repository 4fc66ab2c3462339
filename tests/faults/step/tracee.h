// Tracee: a forked child that runs one instruction at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wb::test {

/// A child under ptrace, killed and collected with its scope. The child runs as it likes until be_traced(); from there
/// on it moves only when told to. x86-64 only. Other threads of the child are not stopped.
class Tracee {
 public:
  /// Forks; the child runs `body`, which calls be_traced() once, and then ends.
  explicit Tracee(const std::function<void()>& body);
  ~Tracee();
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;

  /// In the child: waits until its other threads have ended, then stops.
  static void be_traced();
  /// In the child: the place where run_to_mark() stops.
  static void mark() { asm volatile("int3" ::: "memory"); }

  /// Full speed to the next mark. False: the child has ended.
  bool run_to_mark();
  /// The child's mappings of the file `path`: where its stores matter to others.
  void watch(const std::string& path);
  /// One instruction; a system call is one. Of a repeated one (rep movs) one round if it stores into a watched mapping,
  /// else all of them. False: the child has ended.
  bool step();
  /// Full speed through the next system call, or to a mark before it: is_at_mark() then. Gives the call's number, or
  /// kNone.
  std::uint64_t run_through_syscall();
  static constexpr std::uint64_t kNone = UINT64_MAX;
  bool is_alive() const { return pid_ > 0; }
  /// True if step() will make a system call, or if the child is at a mark: run_to_mark() passes it.
  bool is_at_syscall();
  bool is_at_mark();
  /// At a system call: its number, or with `argument` from 0 one of its first three arguments.
  std::uint64_t syscall_number() const;
  std::uint64_t syscall_argument(int argument) const;
  /// At a system call: it does not take place and gives `result`.
  void skip_syscall(std::int64_t result);
  /// At a system call: changes its third argument, the number of bytes of a write.
  void set_third_argument(std::uint64_t value);

  /// SIGKILL, and waits until the child is gone.
  void kill();
  pid_t pid() const { return pid_; }

 private:
  struct Instruction {
    bool is_syscall = false;
    bool is_mark = false;
    unsigned repeated_bytes = 0;  // Its length if it is a repeated one.
  };
  bool wait();
  std::uint64_t instruction_pointer() const;
  Instruction decode(std::uint64_t at);
  bool is_watched(std::uint64_t address) const;
  bool step_over_repeat(std::uint64_t behind);

  pid_t pid_ = -1;
  int signal_ = 0;  // To be delivered with the next move.
  std::unordered_map<std::uint64_t, Instruction> known_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> watched_;  // First address, and the one behind the last.
};

}  // namespace wb::test
