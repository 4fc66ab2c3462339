// Each thread stops before and after each of its system calls; a call that is to fail is not made.
#include "tests/nth/injector.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <stdexcept>

namespace wb::test {
namespace {

constexpr std::uint64_t kInterruptsMax = 100;

/// Calls that fail only where memory is overwritten, those whose failure has no errno, and those of the C library's own
/// threads, which it does not check or answers by abort(). Of a futex only EINTR and EAGAIN are in its contract.
bool may_fail(long number, int error) {
  switch (number) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_rt_sigreturn:
    case SYS_rt_sigprocmask:
    case SYS_rt_sigaction:
    case SYS_brk:
    case SYS_munmap:
    case SYS_set_robust_list:
    case SYS_set_tid_address:
    case SYS_arch_prctl:
    case SYS_rseq:
    case SYS_sched_yield:
    case SYS_gettid:
    case SYS_getpid:
    case SYS_execve:
    case kPhaseCall:
      return false;
    case SYS_futex:
      return error == EINTR || error == EAGAIN;
    default:
      return true;
  }
}

std::int64_t monotonic_now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

struct Thread {
  bool is_inside = false;   // Between the stops before and after a call.
  int answer = 0;           // The error that this call gets.
  bool is_process = false;  // The first thread of a process.
};

class Tracer {
 public:
  Tracer(const Traced& traced, const Injection& injection) : traced_(traced), injection_(injection) {}

  Outcome run() {
    start();
    const std::int64_t end_ns = monotonic_now_ns() + traced_.watchdog_seconds * std::int64_t{1'000'000'000};
    while (!threads_.empty()) {
      int status = 0;
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      const std::int64_t now_ns = monotonic_now_ns();
      if (now_ns > end_ns && !outcome_.timed_out) {
        outcome_.timed_out = true;
        kill_all();
      }
      if (outcome_.failed_count >= traced_.stop_after && now_ns > first_failure_ns_ + kStopNs &&
          !outcome_.was_stopped) {
        outcome_.was_stopped = true;
        kill_all();
      }
      if (thread > 0) handle(thread, status);
    }
    return outcome_;
  }

 private:
  static constexpr std::int64_t kStopNs = 1'000'000'000;

  void start() {
    std::vector<char*> arguments;
    for (const std::string& word : traced_.words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      if (traced_.in_child) traced_.in_child();
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (traced_.follows_forks) options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    if (!WIFSTOPPED(status) || ::ptrace(PTRACE_SETOPTIONS, child, nullptr, options) != 0) {
      throw std::runtime_error("cannot trace " + traced_.words[0]);
    }
    threads_[child].is_process = true;
    // A wait for a thread that hangs is interrupted.
    struct sigaction interrupt {};
    interrupt.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &interrupt, nullptr);
    const itimerval ticks{{0, 200'000}, {0, 200'000}};
    ::setitimer(ITIMER_REAL, &ticks, nullptr);
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  }

  void kill_all() {
    for (const auto& [thread, state] : threads_) ::kill(thread, SIGKILL);
  }

  void handle(pid_t thread, int status) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      const auto known = threads_.find(thread);
      if (known == threads_.end()) return;
      if (known->second.is_process) {
        outcome_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        outcome_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      }
      threads_.erase(known);
      return;
    }
    const int event = status >> 16;
    long signal = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      stop_at_call(thread);
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
      unsigned long child = 0;
      ::ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &child);
      threads_[static_cast<pid_t>(child)].is_process = true;
    } else if (event == 0 && WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP) {
      signal = WSTOPSIG(status);
    } else if (event == 0) {
      threads_.try_emplace(thread);  // A new thread begins with a SIGSTOP, perhaps before its creator's event.
    }
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
  }

  void stop_at_call(pid_t thread) {
    Thread& state = threads_[thread];
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) return;
    state.is_inside = !state.is_inside;
    if (state.is_inside) {
      const auto number = static_cast<long>(registers.orig_rax);
      if (number == kPhaseCall) phase_ = static_cast<Phase>(registers.rdi);
      state.answer = answer(number);
      if (state.answer == 0 || number == SYS_close) return;  // A close that fails has closed.
      registers.orig_rax = static_cast<unsigned long long>(-1);
    } else if (state.answer != 0) {
      registers.rax = static_cast<unsigned long long>(-std::int64_t{state.answer});
      state.answer = 0;
    } else {
      return;
    }
    ::ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
  }

  /// The error that this call is to get; 0: none.
  int answer(long number) {
    if (!may_fail(number, injection_.error)) return 0;
    // Without phases from close_range() on, by which a keeper leaves its parent: the loader's failures are not ours.
    has_begun_ = has_begun_ || number == SYS_close_range;
    const bool counts = injection_.phase == Phase::kNone ? has_begun_ : injection_.phase == phase_;
    if (counts) ++outcome_.call_count;
    const bool is_first = counts && outcome_.number < 0 && outcome_.call_count == injection_.nth;
    const bool is_later = injection_.forever && number == outcome_.number &&
                          (injection_.error != EINTR || outcome_.failed_count < kInterruptsMax);
    if (!is_first && !is_later) return 0;
    if (is_first) first_failure_ns_ = monotonic_now_ns();
    outcome_.number = number;
    ++outcome_.failed_count;
    return injection_.error;
  }

  const Traced& traced_;
  const Injection& injection_;
  Outcome outcome_;
  Phase phase_ = Phase::kNone;
  bool has_begun_ = false;
  std::map<pid_t, Thread> threads_;
  std::int64_t first_failure_ns_ = 0;
};

}  // namespace

Outcome run_injected(const Traced& traced, const Injection& injection) {
  const Outcome outcome = Tracer(traced, injection).run();
  const itimerval none{};
  ::setitimer(ITIMER_REAL, &none, nullptr);
  return outcome;
}

}  // namespace wb::test
