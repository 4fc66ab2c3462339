// Columns, written: the choice of a codec by an estimate of what zstd will need, and each codec's bytes.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "schema/journal/column.h"
#include "schema/journal/numbers.h"

namespace wb {
namespace {

constexpr std::size_t kDictionaryMax = 256;       // An index is a byte.
constexpr std::size_t kExceptionShare = 16;       // At most one value of so many may be an exception.
constexpr std::size_t kHistogramValuesMin = 256;  // With fewer values a histogram says nothing and costs most.
constexpr double kExceptionBits = 80;
constexpr double kSymbolBits = 4;  // A symbol in a table; and a histogram of few values flatters by 0.7 bits a symbol.

/// A way to write a column of numbers, with all it needs to do so.
struct Plan {
  ColumnCodec codec = ColumnCodec::kFloat64;
  std::uint64_t scale = 1;
  std::vector<Exception> exceptions;
  std::size_t order = 0;
  unsigned width = 8;
  std::uint64_t base = 0;
  std::array<std::uint64_t, kDifferenceOrderMax> firsts{};
  std::vector<std::uint64_t> rest;  // Differences of `order`, less the base; the first `order` are not used.
  double bits = std::numeric_limits<double>::infinity();
};

// n log2 n for counts of up to kBlockRowsMax, so that an estimate needs no logarithm.
double count_bits(std::size_t count) {
  static const std::vector<float> kTable = [] {
    std::vector<float> table(kBlockRowsMax + 1);
    for (std::size_t n = 2; n < table.size(); ++n) {
      table[n] = static_cast<float>(static_cast<double>(n) * std::log2(static_cast<double>(n)));
    }
    return table;
  }();
  return kTable[count];
}

// Bits that an order-0 entropy coder needs for the lowest `width` byte planes of value - base, each with its table or
// plain: what zstd comes close to.
double plane_bits(std::span<const std::uint64_t> values, std::uint64_t base, unsigned width) {
  if (values.size() < kHistogramValuesMin) return static_cast<double>(values.size() * width * 8);
  std::array<std::array<std::uint32_t, 256>, 8> histograms;
  std::fill_n(histograms.begin(), width, std::array<std::uint32_t, 256>{});
  for (std::uint64_t value : values) {
    value -= base;
    for (unsigned plane = 0; plane < width; ++plane, value >>= 8) ++histograms[plane][value & 0xFF];
  }
  double bits = 0;
  for (unsigned plane = 0; plane < width; ++plane) {
    double coded = count_bits(values.size());
    for (const std::uint32_t count : histograms[plane]) coded += (count > 0 ? kSymbolBits : 0) - count_bits(count);
    bits += std::min(coded, static_cast<double>(values.size() * 8));
  }
  return bits;
}

std::uint64_t difference(std::uint64_t value, std::uint64_t before) noexcept {
#ifdef WB_MUTANT_DELTA_OVERFLOW
  std::int64_t exact = 0;
  if (__builtin_sub_overflow(static_cast<std::int64_t>(value), static_cast<std::int64_t>(before), &exact)) {
    return static_cast<std::uint64_t>(INT64_MAX);
  }
#endif
  return value - before;  // Modulo 2^64, as the reader adds.
}

// Takes differences as long as they promise fewer bits, and keeps the best in the plan if it is better than before.
void plan_differences(const Plan& how, std::vector<std::uint64_t>& integers, Plan& best) {
  std::array<std::uint64_t, kDifferenceOrderMax> firsts{};
  double bits_before = std::numeric_limits<double>::infinity();
  for (std::size_t order = 0; order <= kDifferenceOrderMax && order < integers.size(); ++order) {
    if (order > 0) {
      firsts[order - 1] = integers[order - 1];
      for (std::size_t i = integers.size() - 1; i >= order; --i) integers[i] = difference(integers[i], integers[i - 1]);
    }
    const auto rest = std::span<const std::uint64_t>(integers).subspan(order);
    std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = std::numeric_limits<std::int64_t>::min();
    for (const std::uint64_t value : rest) {
      low = std::min(low, static_cast<std::int64_t>(value));
      high = std::max(high, static_cast<std::int64_t>(value));
    }
    const auto base = static_cast<std::uint64_t>(low);
    const auto width = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(high) - base) + 7) / 8;
    const double bits = plane_bits(rest, base, width) + static_cast<double>(order) * 64 +
                        static_cast<double>(how.exceptions.size()) * kExceptionBits;
    if (bits < best.bits) {
      best.codec = how.codec;
      best.scale = how.scale;
      best.exceptions = how.exceptions;
      best.order = order;
      best.width = width;
      best.base = base;
      best.firsts = firsts;
      best.rest = integers;
      best.bits = bits;
    }
    if (bits >= bits_before) return;
    bits_before = bits;
  }
}

class ColumnPlanner {
 public:
  explicit ColumnPlanner(std::span<const std::uint64_t> values) : values_(values), integers_(values.size()) {}

  void try_mapping(ColumnCodec codec, const Mapping& mapping) {
    Plan how{.codec = codec, .scale = mapping.scale, .exceptions = {}, .firsts = {}, .rest = {}};
    if (map_values(mapping, values_, integers_, values_.size() / kExceptionShare, how.exceptions)) {
      plan_differences(how, integers_, best_);
    }
  }

  const Plan& plan(bool is_float) {
    if (!is_float) {
      try_mapping(ColumnCodec::kInteger, {MappingKind::kInteger, common_divisor(values_)});
      return best_;
    }
    try_mapping(ColumnCodec::kFloat32, {MappingKind::kFloat32});
    const bool is_float32 = best_.codec == ColumnCodec::kFloat32;
    if (const auto scale = find_quotient_scale(values_)) {
      try_mapping(ColumnCodec::kQuotient, {MappingKind::kQuotient, *scale});
    }
    if (!is_float32) try_mapping(ColumnCodec::kFloat64, {MappingKind::kFloat64});
    return best_;
  }

 private:
  std::span<const std::uint64_t> values_;
  std::vector<std::uint64_t> integers_;
  Plan best_;
};

/// The different bit patterns of a column in the order of their first row, if they are few.
struct Dictionary {
  std::vector<std::uint64_t> entries;
  std::vector<std::uint8_t> indices;
  double bits = std::numeric_limits<double>::infinity();
};

Dictionary make_dictionary(std::span<const std::uint64_t> values) {
  constexpr std::size_t kSlots = 1024;
  std::array<std::uint16_t, kSlots> slots{};  // Index + 1; 0: free.
  const std::size_t entry_max = std::min(kDictionaryMax, values.size() / 4);
  std::array<std::uint32_t, kDictionaryMax> counts{};
  Dictionary made;
  made.indices.reserve(values.size());
  for (const std::uint64_t value : values) {
    std::uint64_t key = value;
#ifdef WB_MUTANT_DICTIONARY_MERGES_ZEROS
    if (key == std::uint64_t{1} << 63) key = 0;
#endif
    std::size_t slot = (key * 0x9E37'79B9'7F4A'7C15U) >> 54;
    while (slots[slot] != 0 && made.entries[slots[slot] - 1U] != key) slot = (slot + 1) % kSlots;
    if (slots[slot] == 0) {
      if (made.entries.size() == entry_max) return made;
      made.entries.push_back(key);
      slots[slot] = static_cast<std::uint16_t>(made.entries.size());
    }
    const unsigned index = slots[slot] - 1U;
    ++counts[index];
    made.indices.push_back(static_cast<std::uint8_t>(index));
  }
  made.bits = static_cast<double>(made.entries.size()) * 64 + count_bits(values.size());
  for (const std::uint32_t count : counts) made.bits -= count_bits(count);
  if (values.size() < kHistogramValuesMin)
    made.bits = static_cast<double>(made.entries.size() * 64 + values.size() * 8);
  return made;
}

std::byte* append_head(std::vector<std::byte>& to, ColumnCodec codec, std::size_t bytes) {
  const std::size_t at = to.size();
  to.resize(at + kColumnHeadBytes + bytes);
  to[at] = static_cast<std::byte>(codec);
  store_le(to.data() + at + 1, static_cast<std::uint32_t>(bytes));
  return to.data() + at + kColumnHeadBytes;
}

void append_dictionary(std::vector<std::byte>& to, std::vector<std::size_t>& cuts, const Dictionary& dictionary) {
  const std::size_t head_bytes = 2 + dictionary.entries.size() * 8;
  std::byte* at = append_head(to, ColumnCodec::kDictionary, head_bytes + dictionary.indices.size());
  cuts.push_back(to.size() - dictionary.indices.size());
  store_le(at, static_cast<std::uint16_t>(dictionary.entries.size()));
  std::memcpy(at + 2, dictionary.entries.data(), dictionary.entries.size() * 8);
  std::memcpy(at + head_bytes, dictionary.indices.data(), dictionary.indices.size());
}

void append_numbers(std::vector<std::byte>& to, std::vector<std::size_t>& cuts, const Plan& plan) {
  const bool has_scale = plan.codec == ColumnCodec::kInteger || plan.codec == ColumnCodec::kQuotient;
  const std::size_t plane_rows = plan.rest.size() - plan.order;
  std::byte* at = append_head(
      to, plan.codec,
      kNumberHeadBytes + (has_scale ? 8 : 0) + plan.order * 8 + plan.exceptions.size() * 10 + plan.width * plane_rows);
  store_le(at, static_cast<std::uint8_t>(plan.order));
  store_le(at + 1, static_cast<std::uint8_t>(plan.width));
  store_le(at + 2, static_cast<std::uint16_t>(plan.exceptions.size()));
  store_le(at + 4, plan.base);
  at += kNumberHeadBytes;
  const auto put = [&at](auto value) {
    store_le(at, value);
    at += sizeof value;
  };
  if (has_scale) put(plan.scale);
  for (std::size_t i = 0; i < plan.order; ++i) put(plan.firsts[i]);
  for (const Exception& exception : plan.exceptions) put(exception.row);
  for (const Exception& exception : plan.exceptions) put(exception.value);
  for (unsigned plane = 0; plane < plan.width; ++plane, at += plane_rows) {
    cuts.push_back(static_cast<std::size_t>(at - to.data()));
    for (std::size_t i = 0; i < plane_rows; ++i) {
      at[i] = static_cast<std::byte>((plan.rest[plan.order + i] - plan.base) >> (8 * plane));
    }
  }
}

}  // namespace

void append_column(std::vector<std::byte>& to, std::vector<std::size_t>& cuts, std::span<const std::uint64_t> values,
                   bool is_float) {
  assert(!values.empty() && values.size() <= kBlockRowsMax);
  cuts.push_back(to.size());
  if (std::all_of(values.begin(), values.end(), [&](std::uint64_t v) { return v == values[0]; })) {
    store_le(append_head(to, ColumnCodec::kConstant, 8), values[0]);
    return;
  }
  const Dictionary dictionary = make_dictionary(values);
  ColumnPlanner planner(values);
  const Plan& plan = planner.plan(is_float);
  dictionary.bits < plan.bits ? append_dictionary(to, cuts, dictionary) : append_numbers(to, cuts, plan);
}

void append_text_column(std::vector<std::byte>& to, std::span<const std::string_view> texts) {
  std::size_t text_bytes = 0;
  for (const std::string_view text : texts) text_bytes += text.size();
  std::byte* at = append_head(to, ColumnCodec::kTexts, texts.size() * 4 + text_bytes);
  for (const std::string_view text : texts) {
    store_le(at, static_cast<std::uint32_t>(text.size()));
    at += 4;
  }
  for (const std::string_view text : texts) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
}

}  // namespace wb
