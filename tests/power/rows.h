// The rows of the power cut tests: row n is the same in the trainer and in the check, to the bit.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wb/value.h"

namespace wb::test {

/// Row number `n`: 2 to 12 metrics, float64 of any bits among them, now and then a text of up to 3,000 bytes.
class TestRow {
 public:
  TestRow(std::uint64_t seed, std::uint64_t n) : state_(seed * 0x9E3779B97F4A7C15U ^ n * 0xD1B54A32D192ED03U) {
    metrics_.push_back({"n", Value(n)});
    static constexpr const char* kNames[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    const std::size_t count = n % 64 < 48 ? 4 : 1 + next() % std::size(kNames);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t bits = next();
      metrics_.push_back({kNames[i], i % 2 == 0 ? Value(std::bit_cast<double>(bits)) : Value(bits % 1000)});
    }
    if (next() % 16 != 0) return;
    text_.assign(next() % 3000, static_cast<char>('a' + n % 26));
    metrics_.push_back({"text", Value(std::string_view(text_))});
  }
  TestRow(const TestRow&) = delete;
  TestRow& operator=(const TestRow&) = delete;

  std::span<const Metric> metrics() const { return metrics_; }

 private:
  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
    return mixed ^ mixed >> 31;
  }

  std::uint64_t state_;
  std::string text_;
  std::vector<Metric> metrics_;
};

}  // namespace wb::test
