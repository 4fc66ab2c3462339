// Training: a real training process with its real keeper in the sandbox, both to be killed by the test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "schema/ring_layout.h"
#include "tests/power/trainer_page.h"

namespace wb::test {

struct TrainingOptions {
  std::string directory;  ///< Of the run's directory.
  std::uint64_t seed = 0;
  std::uint64_t rows = 0;
  std::size_t tail_bytes = 40'000;  ///< Small, so that the keeper often goes on to a new tail and seals the old one.
  std::string sync_seconds = "0.02";
};

/// The program stops after it has opened its run until let_log(). Both processes are killed with this object.
class Training {
 public:
  /// Throws std::runtime_error if the run does not open.
  explicit Training(const TrainingOptions& options);
  ~Training();
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  void let_log() { page_->may_log.store(1); }
  void let_finish() { page_->must_finish.store(1); }
  std::uint64_t accepted_rows() const { return page_->accepted_rows.load(); }
  bool is_finished() const { return page_->is_finished.load() != 0; }
  /// What was acknowledged up to now. Any thread.
  Acknowledged acknowledged() const;

  /// Kills both, so that neither sees the other's death.
  void kill();
  /// Completes the journal from the ring, as the next keeper on the machine does. After kill(). Throws if that
  /// fails.
  void rescue() const;
  /// Waits until both have ended. Throws if the trainer fails or a minute passes.
  void wait_for_end();

  const RingHeader& ring() const { return *ring_; }
  const std::string& ring_path() const { return ring_path_; }
  std::string run_directory() const { return ring_->directory; }

 private:
  void map_ring();

  std::string scratch_;
  TrainerPage* page_ = nullptr;
  const RingHeader* ring_ = nullptr;
  std::string ring_path_;
  pid_t trainer_ = -1;
  pid_t keeper_ = -1;
};

}  // namespace wb::test
