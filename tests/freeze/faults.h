// Faults: what can happen to a journal's file system, its keeper or its processor, begun and ended by a test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/freeze/trainer_process.h"

namespace wb::test {

/// Its file systems go with its scope; a fault that still lasts is ended.
class Fault {
 public:
  virtual ~Fault() = default;
  virtual const std::string& directory() const = 0;  ///< On the file system that the fault is about.
  /// The trainers log there already.
  virtual void begin(const std::vector<const TrainerProcess*>& trainers) = 0;
  virtual void end() = 0;
};

/// A fault, what it is called in names of tests, and what a trainer must be told.
struct FaultKind {
  std::string name;
  std::function<std::unique_ptr<Fault>(int seconds)> make;  ///< For a fault of so many seconds.
  std::string advice;    ///< Stands in the warning; empty: the trainer need not notice the fault.
  int seconds = 2;       ///< How long it lasts in tools/test; one that hangs must last longer than one that refuses.
  bool can_seal = true;  ///< A run that ends under the fault leaves a segment afterwards; else a tail may stay.
};

/// All of them: the twelve of docs/reliability.md.
const std::vector<FaultKind>& fault_kinds();

}  // namespace wb::test
