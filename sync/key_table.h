// Key table: a journal's key indices and their names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace wb {

/// A map from key indices. Small ones lie in a vector; a hostile large one costs one entry, not a vector of that size.
template <typename T>
class KeyIndexMap {
 public:
  T& operator[](std::uint32_t index) {
    if (index >= kDenseMax) return sparse_[index];
    if (index >= dense_.size()) dense_.resize(index + 1);
    return dense_[index];
  }
  const T* find(std::uint32_t index) const {
    if (index < kDenseMax) return index < dense_.size() ? &dense_[index] : nullptr;
    const auto found = sparse_.find(index);
    return found == sparse_.end() ? nullptr : &found->second;
  }

 private:
  static constexpr std::uint32_t kDenseMax = 65'536;
  std::vector<T> dense_;
  std::unordered_map<std::uint32_t, T> sparse_;
};

class KeyTable {
 public:
  /// The first name that an index is given stays, so that a journal reads the same every time.
  void define(std::uint32_t index, std::string_view name) {
    std::string& slot = names_[index];
    if (slot.empty()) slot = name;
  }

  /// The name, or "key#<index>" if its record was lost: the values are worth more than the name.
  std::string name(std::uint32_t index) const {
    const std::string* found = names_.find(index);
    return found != nullptr && !found->empty() ? *found : "key#" + std::to_string(index);
  }

 private:
  KeyIndexMap<std::string> names_;
};

}  // namespace wb
