// Remains: what a SIGKILL of a keeper would leave, and what recovery makes of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schema/ring_layout.h"
#include "tests/faults/step/scratch.h"
#include "tests/support/ring_maker.h"

namespace wb::test {

/// The journal's files and the ring's header at one moment. The ring's data do not change: what the trainer publishes
/// later lies in them from the start, behind the head.
struct Remains {
  std::map<std::string, std::string> files;  ///< Of the run's directory, by name.
  std::string header;                        ///< The ring's first kRingHeaderBytes.
  bool has_ring = true;                      ///< The ring's name is there.

  static Remains look(const std::string& directory, RingMaker& ring);
  /// A number that differs where states differ, the clocks' words left out.
  std::uint64_t fingerprint() const;
  RingHeader& words() { return *reinterpret_cast<RingHeader*>(header.data()); }
};

/// What the trainer has put into the ring so far, or in all.
struct Published {
  std::uint64_t head = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t drop_count = 0;
  std::int64_t row_count = 0;  ///< Row i has step i and the value i.
  bool has_finish = false;
};

/// Judges states of one stepped keeper. Each judging works on copies of files and ring.
class KeeperJudge {
 public:
  /// `data`: the bytes of the ring's data that are used. `all`: with what the trainer will have published at its end.
  /// `trainer_lives`: it may log on under a new keeper.
  KeeperJudge(std::string data, const Published& all, bool trainer_lives)
      : data_(std::move(data)), all_(all), trainer_lives_(trainer_lives) {}

  /// Three ways on from one state: a reader looks at the files as they are; the trainer is dead and rescue_rings()
  /// completes the journal; the trainer lives, logs on and finishes under a new keeper. Gives the first fault.
  std::string judge(const Remains& state, const Published& now) const;

  /// The journal in `directory` as it must be once it is complete.
  static std::string check_complete(const std::string& directory, const Published& published);

 private:
  std::string check_files(const std::string& directory, const Remains& state, const Published& now) const;
  std::string check_rescue(const Remains& state, const Published& now) const;
  std::string check_new_keeper(const Remains& state) const;
  void restore(const Scratch& scratch, Remains state, bool trainer_lives) const;

  std::string data_;
  Published all_;
  bool trainer_lives_;
};

}  // namespace wb::test
