// Signals that tell that somebody wants the job to end, or warns of it.
#include "writer/keeper/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace wb {

SignalReader::SignalReader() {
  sigset_t all;
  ::sigfillset(&all);
  // Faults of our own code keep their default: blocking them would end the process all the same.
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) ::sigdelset(&all, fault);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  sigset_t recorded;
  ::sigemptyset(&recorded);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGXCPU}) ::sigaddset(&recorded, signal);
  file_.reset(::signalfd(-1, &recorded, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::vector<SignalSeen> SignalReader::read() {
  std::vector<SignalSeen> seen;
  signalfd_siginfo info;
  while (file_.is_open() && ::read(file_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    seen.push_back({info.ssi_signo, info.ssi_pid, info.ssi_uid});
  }
  return seen;
}

}  // namespace wb
