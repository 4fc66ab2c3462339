// Ctrl-C: noted by a signal handler, looked at wherever wbsync waits.
#pragma once

#include <chrono>

namespace wb {

/// From now on the first SIGINT or SIGTERM is noted; a second one ends the process at once (the ledger allows it).
void watch_for_interrupt();

/// True once a signal came. Any thread.
bool was_interrupted() noexcept;

/// Time as the engine sees it; a fake in tests. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::milliseconds now() const = 0;  ///< Since any fixed point; never goes back.
  /// Waits; false if it was interrupted.
  virtual bool wait(std::chrono::milliseconds duration) = 0;
  virtual bool interrupted() const = 0;
};

/// The steady clock of this machine, with was_interrupted().
class SystemClock final : public Clock {
 public:
  std::chrono::milliseconds now() const override;
  bool wait(std::chrono::milliseconds duration) override;
  bool interrupted() const override { return was_interrupted(); }
};

}  // namespace wb
