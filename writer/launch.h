// Finds wbkeep and starts it for one ring.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "wb/status.h"
#include "writer/environment.h"

namespace wb {

/// Where wbkeep may be, and the environment that it gets: time zone, language and WB_* settings, no keys, no LD_*.
struct KeeperProgram {
  std::vector<std::string> candidates;   ///< Absolute paths, tried in turn.
  std::vector<std::string> environment;  ///< "NAME=value".
};

/// `explicit_path` alone if it is given, else beside the shared object and the executable, in ../bin and ../libexec.
/// `variables` as in environ(7), copied.
KeeperProgram find_keeper(const std::string& explicit_path, const char* const* variables);

/// One start of wbkeep in a short thread of its own: the program's file may lie on a slow file system.
class Launch {
 public:
  enum class State : std::uint32_t { kStarting = 0, kStarted = 1, kFailed = 2 };

  /// Begins; the keeper gets `ring` as descriptor 3. kIoError: no thread could be started.
  static Result<Launch> begin(const KeeperProgram& program, int ring);

  Launch(Launch&& other) noexcept;
  Launch& operator=(Launch&& other) noexcept;
  ~Launch();

  State state() const noexcept;
  /// Waits until it is decided, at most `timeout_ns`.
  State wait(std::int64_t timeout_ns) const noexcept;
  /// Why it failed; only in kFailed.
  const std::string& failure() const noexcept;

  /// Gives the ring's descriptor to the thread, which may still need it; closed when both sides are done.
  void leave(Descriptor ring) noexcept;

 private:
  struct Job;
  explicit Launch(Job* job) noexcept : job_(job) {}
  static State run(Job& job);
  static void release(Job* job) noexcept;

  Job* job_;  // Owned by this and the thread; the second to release it deletes it.
};

}  // namespace wb
