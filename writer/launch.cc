// posix_spawn from a short thread; the keeper forks away from it at once, so the wait for it is short too.
#include "writer/launch.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "schema/os_status.h"
#include "writer/background.h"
#include "writer/clock.h"
#include "writer/futex.h"
#include "writer/process_facts.h"

namespace wb {
namespace {

constexpr int kRingDescriptor = 3;  // In the keeper.

void add_candidates_beside(std::string_view file, std::vector<std::string>& candidates) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string_view::npos) return;
  const std::string folder(file.substr(0, slash));
  for (const char* place : {"/wbkeep", "/../bin/wbkeep", "/../libexec/wbkeep", "/../../bin/wbkeep"}) {
    std::string candidate = folder + place;
    if (std::find(candidates.begin(), candidates.end(), candidate) == candidates.end()) {
      candidates.push_back(std::move(candidate));
    }
  }
}

/// The file that this code was loaded from, absolute; empty if it is not known.
std::string own_file() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&find_keeper), &info) == 0 || info.dli_fname == nullptr) return {};
  std::array<char, PATH_MAX> path;
  return realpath(info.dli_fname, path.data()) != nullptr ? path.data() : std::string();
}

bool is_for_keeper(std::string_view variable) {
  const std::string_view name = variable.substr(0, variable.find('='));
  if (name == "TZ" || name == "LANG" || name.starts_with("LC_")) return true;
  if (!name.starts_with("WB_")) return false;
  for (const char* secret : {"KEY", "TOKEN", "SECRET", "PASS"}) {
    if (name.find(secret) != std::string_view::npos) return false;
  }
  return true;
}

/// Spawn settings: all signals blocked and by default, the ring as descriptor 3.
class SpawnSettings {
 public:
  explicit SpawnSettings(int ring) {
    posix_spawn_file_actions_init(&actions_);
    error_ = posix_spawn_file_actions_adddup2(&actions_, ring, kRingDescriptor);
    posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &all);  // Until it has its signalfd nothing may end the keeper.
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  int error() const noexcept { return error_; }  // An errno; 0: usable.
  const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  int error_ = 0;
};

}  // namespace

struct Launch::Job {
  KeeperProgram program;
  int ring;
  Descriptor left_ring;                    // Stored by the owner before it releases its share.
  std::string failure;                     // Stored by the thread before `state`.
  std::atomic<std::uint32_t> state{0};     // A State; stored by the thread. Release: publishes `failure`.
  std::atomic<bool> has_one_owner{false};  // Set by the first to release.
};

KeeperProgram find_keeper(const std::string& explicit_path, const char* const* variables) {
  KeeperProgram program;
  if (!explicit_path.empty()) {
    const bool is_absolute = explicit_path.front() == '/';
    program.candidates.push_back(is_absolute ? explicit_path : working_directory() + "/" + explicit_path);
  } else {
    add_candidates_beside(own_file(), program.candidates);
    add_candidates_beside(executable_path(), program.candidates);
  }
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    if (is_for_keeper(*variables)) program.environment.emplace_back(*variables);
  }
  return program;
}

Result<Launch> Launch::begin(const KeeperProgram& program, int ring) {
  auto* const job = new Job{.program = program, .ring = ring};
  Status status = run_aside([job] {
    State state = State::kFailed;
    try {
      state = run(*job);
    } catch (const std::bad_alloc&) {
      job->failure = "out of memory";  // So short that it needs none.
    }
    job->state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
    futex_wake(job->state);
    release(job);
  });
  if (!status.ok()) {
    delete job;
    return status;
  }
  return Launch(job);
}

Launch::State Launch::run(Job& job) {
  std::vector<char*> variables;
  for (std::string& variable : job.program.environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  const SpawnSettings settings(job.ring);
  if (settings.error() != 0) {
    job.failure = os_status(settings.error(), "handing the ring to a keeper").message();
    return State::kFailed;
  }
  job.failure = "wbkeep was not found";
  for (std::string& path : job.program.candidates) {
    char* const arguments[] = {path.data(), nullptr};
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, path.c_str(), settings.actions(), settings.attributes(), arguments, variables.data());
    if (error != 0) {
      if (error != ENOENT && error != ENOTDIR) job.failure = os_status(error, "starting " + path).message();
      continue;
    }
    int result = 0;
    pid_t waited = 0;
    do {
      waited = waitpid(pid, &result, 0);
    } while (waited < 0 && errno == EINTR);
    // ECHILD: the program ignores SIGCHLD or waits for every child itself. The keeper may well live.
    const bool is_well = waited < 0 || (WIFEXITED(result) && WEXITSTATUS(result) == 0);
    if (is_well) return State::kStarted;
    job.failure = path + " ended at once with wait status " + std::to_string(result);
    break;
  }
  return State::kFailed;
}

void Launch::release(Job* job) noexcept {
  if (job->has_one_owner.exchange(true, std::memory_order_acq_rel)) delete job;
}

Launch::Launch(Launch&& other) noexcept : job_(std::exchange(other.job_, nullptr)) {}

Launch& Launch::operator=(Launch&& other) noexcept {
  std::swap(job_, other.job_);
  return *this;
}

Launch::~Launch() {
  if (job_ != nullptr) release(job_);
}

Launch::State Launch::state() const noexcept {
  return static_cast<State>(job_->state.load(std::memory_order_acquire));
}

Launch::State Launch::wait(std::int64_t timeout_ns) const noexcept {
  const std::int64_t end_ns = monotonic_ns() + timeout_ns;
  for (std::int64_t now_ns = monotonic_ns(); state() == State::kStarting && now_ns < end_ns; now_ns = monotonic_ns()) {
    futex_wait(job_->state, static_cast<std::uint32_t>(State::kStarting), end_ns - now_ns);
  }
  return state();
}

const std::string& Launch::failure() const noexcept {
  return job_->failure;
}

void Launch::leave(Descriptor ring) noexcept {
  job_->left_ring = std::move(ring);
}

}  // namespace wb
