// Two ways to wait for a process that is nobody's child here.
#include "writer/keeper/death_watch.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <chrono>

#include "writer/keeper/trainer_process.h"
#include "writer/ring_lock.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace wb {
namespace {

constexpr int kLockCheckMs = 1000;

}  // namespace

Death describe_death(const RingIdentity& trainer) {
  Death death{.reason = "the process ended without finishing the run", .exit_code = {}, .signal = {}};
  const auto facts = read_process(trainer.trainer_pid);
  if (!facts || facts->start_ticks != trainer.trainer_start_ticks || !facts->wait_status) return death;
  const int status = *facts->wait_status;
  if (WIFSIGNALED(status)) {
    death.signal = WTERMSIG(status);
    death.reason = "the process was killed by signal " + std::to_string(WTERMSIG(status));
  } else {
    death.exit_code = WEXITSTATUS(status);
    death.reason = "the process exited with code " + std::to_string(WEXITSTATUS(status)) + " without finishing the run";
  }
  return death;
}

DeathWatch::DeathWatch(int ring_fd, const RingIdentity& trainer, std::function<void()> on_death)
    : ring_fd_(ring_fd),
      trainer_(trainer),
      on_death_(std::move(on_death)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

DeathWatch::~DeathWatch() {
  stopping_.store(true);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  // A thread inside the blocking lock call only a signal can end; repeated, since it may be about to enter the call.
  while (!ended_.load()) {
    if (in_lock_call_.load()) ::pthread_kill(thread_.native_handle(), SIGRTMIN);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  thread_.join();
}

std::optional<Death> DeathWatch::death() const {
  const std::lock_guard lock(mutex_);
  return death_;
}

void DeathWatch::found(Death death) {
  {
    const std::lock_guard lock(mutex_);
    death_ = std::move(death);
  }
  on_death_();
}

void DeathWatch::run() {
  const Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, trainer_.trainer_pid, 0)));
  const bool is_missing = !pidfd.is_open() && errno == ESRCH;
  // Checked after the opening: from then on the pid cannot be reused unseen.
  if (is_missing || (pidfd.is_open() && !is_running(trainer_.trainer_pid, trainer_.trainer_start_ticks))) {
    // A trainer in another pid namespace cannot be seen, but its lock can.
    if (!is_ring_locked(ring_fd_, kTrainerLockByte)) {
      found(describe_death(trainer_));
    } else {
      watch_lock();
    }
  } else if (pidfd.is_open()) {
    watch_process(pidfd.get());
  } else {
    watch_lock();
  }
  ended_.store(true);
}

void DeathWatch::watch_process(int pidfd) {
  while (true) {
    pollfd watched[] = {{pidfd, POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    const int ready = ::poll(watched, 2, kLockCheckMs);
    if ((watched[1].revents & POLLIN) != 0 || stopping_.load()) return;
    if (ready > 0 && watched[0].revents != 0) return found(describe_death(trainer_));
    if (ready == 0 && exec_seen()) {
      return found({.reason = "the process replaced its program (exec) without finishing the run",
                    .exit_code = {},
                    .signal = {}});
    }
  }
}

/// True if the trainer has neither its lock nor, as far as /proc tells, the ring in its memory. A program that closes
/// all its descriptors drops the lock and logs on.
bool DeathWatch::has_let_go() const {
  return !is_ring_locked(ring_fd_, kTrainerLockByte) && !has_mapped(trainer_.trainer_pid, ring_fd_).value_or(false);
}

/// True if the trainer held its lock and twice in a row has let go of the ring.
bool DeathWatch::exec_seen() {
  if (!has_let_go()) {
    lock_was_held_ = true;
    unlocked_checks_ = 0;
  } else if (lock_was_held_) {
    ++unlocked_checks_;
  }
  return unlocked_checks_ >= 2;
}

void DeathWatch::watch_lock() {
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};  // Without SA_RESTART: the lock call returns with EINTR.
  ::sigaction(SIGRTMIN, &interrupt, nullptr);
  sigset_t allowed;
  ::sigemptyset(&allowed);
  ::sigaddset(&allowed, SIGRTMIN);
  ::pthread_sigmask(SIG_UNBLOCK, &allowed, nullptr);
  in_lock_call_.store(true);
  struct flock request = ring_lock_request(kTrainerLockByte, F_WRLCK);
  while (::fcntl(ring_fd_, F_SETLKW, &request) != 0) {
    if (stopping_.load()) return;
    if (errno != EINTR) std::this_thread::sleep_for(std::chrono::milliseconds(kLockCheckMs));
  }
  request = ring_lock_request(kTrainerLockByte, F_UNLCK);
  ::fcntl(ring_fd_, F_SETLK, &request);
  while (is_running(trainer_.trainer_pid, trainer_.trainer_start_ticks) && !has_let_go()) {
    pollfd stop{stop_.get(), POLLIN, 0};
    ::poll(&stop, 1, kLockCheckMs);
    if (stopping_.load()) return;
  }
  found(describe_death(trainer_));
}

}  // namespace wb
