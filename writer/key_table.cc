// Open addressing over names that lie in append-only blocks.
#include "writer/key_table.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "schema/bytes.h"

namespace wb {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

KeyTable::KeyTable() : slots_(kSlotsAtStart, kEmptySlot) {}

KeyTable::~KeyTable() {
  for (TextBlock* block = first_.next.load(std::memory_order_relaxed); block != nullptr;) {
    delete std::exchange(block, block->next.load(std::memory_order_relaxed));
  }
}

std::uint64_t KeyTable::hash(std::string_view name) noexcept {
  // Multiply and fold, eight bytes a round: names are short and come from the program itself.
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;
  std::uint64_t state = name.size() * kFactor;
  const char* at = name.data();
  std::size_t left = name.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    state = (state ^ word) * kFactor;
    state ^= state >> 32;
  }
  std::uint64_t rest = 0;
  if (left > 0) std::memcpy(&rest, at, left);
  state = (state ^ rest) * kFactor;
  return state ^ state >> 29;
}

std::optional<std::uint32_t> KeyTable::find(std::string_view name) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash(name) & mask;; slot = (slot + 1) & mask) {
    const std::uint32_t index = slots_[slot];
    if (index == kEmptySlot) return std::nullopt;
    if (names_[index] == name) return index;
  }
}

void KeyTable::reserve_one(std::string_view name) {
  if (names_.size() == names_.capacity()) names_.reserve(std::max<std::size_t>(32, names_.size() * 2));
  if (last_->size - last_->used.load(std::memory_order_relaxed) < kLengthBytes + name.size()) {
    auto block = std::make_unique<TextBlock>();
    block->size = std::max(kTextBlockBytes, kLengthBytes + name.size());
    block->bytes = std::make_unique<std::byte[]>(block->size);
    TextBlock* const added = block.release();
    last_->next.store(added, std::memory_order_release);
    last_ = added;
  }
  if ((names_.size() + 1) * 2 > slots_.size()) {
    std::vector<std::uint32_t> larger(slots_.size() * 2, kEmptySlot);
    slots_.swap(larger);
    for (std::uint32_t index = 0; index < size(); ++index) place(index);
  }
}

void KeyTable::add(std::string_view name) noexcept {
  const std::size_t used = last_->used.load(std::memory_order_relaxed);
  assert(last_->size - used >= kLengthBytes + name.size());
  assert(names_.size() < names_.capacity());
  std::byte* const at = last_->bytes.get() + used;
  store_le(at, static_cast<std::uint32_t>(name.size()));
  std::memcpy(at + kLengthBytes, name.data(), name.size());
  last_->used.store(used + kLengthBytes + name.size(), std::memory_order_release);
  names_.emplace_back(reinterpret_cast<const char*>(at + kLengthBytes), name.size());
  place(size() - 1);
}

void KeyTable::place(std::uint32_t index) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash(names_[index]) & mask;
  while (slots_[slot] != kEmptySlot) slot = (slot + 1) & mask;
  slots_[slot] = index;
}

std::vector<std::string> KeyTable::names_at_fork() const {
  std::vector<std::string> names;
  for (const TextBlock* block = &first_; block != nullptr; block = block->next.load(std::memory_order_acquire)) {
    const std::size_t used = block->used.load(std::memory_order_acquire);
    for (std::size_t at = 0; at < used;) {
      const auto bytes = load_le<std::uint32_t>(block->bytes.get() + at);
      names.emplace_back(reinterpret_cast<const char*>(block->bytes.get() + at + kLengthBytes), bytes);
      at += kLengthBytes + bytes;
    }
  }
  return names;
}

}  // namespace wb
