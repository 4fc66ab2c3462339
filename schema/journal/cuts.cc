// The choice of cuts by order-0 entropy: one pass, each part joins the one before it or begins anew.
#include "schema/journal/cuts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace wb {
namespace {

// A Huffman table of zstd is described in about so many bits, and a block in so many more.
constexpr double kBlockBits = 8 * 10;
constexpr double kSymbolBits = 3;
constexpr double kSymbolBitsMax = 128 * kSymbolBits;
constexpr std::size_t kPartBytesMin = 512;  // Smaller ones join without asking.

struct Histogram {
  std::array<std::uint32_t, 256> counts{};
  std::size_t bytes = 0;

  void add(std::span<const std::byte> more) noexcept {
    for (const std::byte b : more) ++counts[std::to_integer<unsigned>(b)];
    bytes += more.size();
  }
  void add(const Histogram& more) noexcept {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += more.counts[i];
    bytes += more.bytes;
  }
  double bits() const noexcept {
    const auto total = static_cast<float>(bytes);
    double needed = 0, symbols = 0;
    for (const std::uint32_t count : counts) {
      if (count == 0) continue;
      needed += static_cast<double>(static_cast<float>(count) * std::log2(total / static_cast<float>(count)));
      ++symbols;
    }
    // A symbol takes a bit at least, but for a block of one symbol only.
    if (symbols > 1) needed = std::max(needed, static_cast<double>(bytes) / 4);
    return kBlockBits +
           std::min(needed + std::min(symbols * kSymbolBits, kSymbolBitsMax), static_cast<double>(bytes * 8));
  }
};

}  // namespace

std::vector<std::size_t> choose_cuts(std::span<const std::byte> raw, std::span<const std::size_t> candidates) {
  std::vector<std::size_t> cuts;
  Histogram open;
  double open_bits = kBlockBits;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= candidates.size(); ++i) {
    const std::size_t end = i < candidates.size() ? candidates[i] : raw.size();
    if (end - begin < kPartBytesMin && i < candidates.size()) continue;
    Histogram part;
    part.add(raw.subspan(begin, end - begin));
    Histogram both = open;
    both.add(part);
    const double part_bits = part.bits(), both_bits = both.bits();
    if (both_bits <= open_bits + part_bits) {
      open = both;
      open_bits = both_bits;
    } else {
      cuts.push_back(begin);
      open = part;
      open_bits = part_bits;
    }
    begin = end;
  }
  return cuts;
}

}  // namespace wb
