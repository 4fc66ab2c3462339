// TailSnapshot: what a later tail repeats at its head, so that it can be read alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "schema/frame.h"
#include "wb/value.h"

namespace wb {

/// The run's fields and the keys announced so far, gathered from the frames that went by.
class TailSnapshot {
 public:
  /// Takes note of run and key records and of earlier snapshots; other frames are passed over. A payload that does not
  /// decode is passed over too: it travels verbatim, and its reader names it.
  void observe(const Frame& frame);

  /// Gives the payloads of the kSnapshot and kKeySnapshot frames, in order.
  void emit(const std::function<void(Kind, std::span<const std::byte>)>& sink) const;

 private:
  struct Field {
    ValueType type = ValueType::kNull;
    std::uint64_t bits = 0;
    std::string text;
  };
  std::map<std::string, Field, std::less<>> fields_;
  std::vector<std::pair<std::uint32_t, std::string>> keys_;  // Key index and name, in order of announcement.
  std::uint32_t next_key_index_ = 0;                         // Indices below it are known; keys come in order.
};

}  // namespace wb
