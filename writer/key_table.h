// The names of one run's metrics and their indices.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wb {

/// Name to index and back. Not thread-safe: the producer's lock guards it, but for names_at_fork().
class KeyTable {
 public:
  KeyTable();
  ~KeyTable();
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;

  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(names_.size()); }
  std::string_view name(std::uint32_t index) const noexcept { return names_[index]; }

  /// No allocation.
  std::optional<std::uint32_t> find(std::string_view name) const noexcept;

  /// Makes room for one more name, so that add() cannot fail. Throws std::bad_alloc and then changes nothing.
  void reserve_one(std::string_view name);

  /// Adds a name that is not there yet, after reserve_one(name); its index is the old size().
  void add(std::string_view name) noexcept;

  /// In a forked child, on the parent's table, whatever a thread of the parent was doing to it: the names by index.
  std::vector<std::string> names_at_fork() const;

 private:
  // Texts, appended only: u32 bytes, then the name. `used` is stored (release) once an entry is whole, which is
  // what lets a forked child read a table that was being changed.
  struct TextBlock {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
    std::atomic<std::size_t> used{0};
    std::atomic<TextBlock*> next{nullptr};
  };
  static constexpr std::uint32_t kEmptySlot = UINT32_MAX;
  static constexpr std::size_t kTextBlockBytes = 16 * 1024;
  static constexpr std::size_t kSlotsAtStart = 64;

  static std::uint64_t hash(std::string_view name) noexcept;
  void place(std::uint32_t index) noexcept;

  TextBlock first_;
  TextBlock* last_ = &first_;
  std::vector<std::string_view> names_;  // Borrowed from the text blocks.
  std::vector<std::uint32_t> slots_;     // Open addressing, at most half full, a power of two.
};

}  // namespace wb
