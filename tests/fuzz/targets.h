// What is fuzzed: one function per decoder. Each aborts if hostile bytes lead to anything but data or an error.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/journal/block.h"

namespace wb {

/// A tail file, with the salt of its head or, if that is damaged, 0.
void fuzz_tail(std::span<const std::byte> bytes);
/// The kind of a record in a byte, then its payload.
void fuzz_record(std::span<const std::byte> bytes);
/// The row of a block as pack_block() writes it, then the raw bytes.
void fuzz_block(std::span<const std::byte> bytes);
/// A segment file.
void fuzz_segment(std::span<const std::byte> bytes);

struct FuzzTarget {
  std::string_view name;  ///< Also of its folder in tests/corpus.
  void (*run)(std::span<const std::byte>);
};
inline constexpr FuzzTarget kFuzzTargets[] = {
    {"tail", fuzz_tail}, {"record", fuzz_record}, {"block", fuzz_block}, {"segment", fuzz_segment}};

std::vector<std::byte> pack_block(const BlockInfo& info, std::span<const std::byte> raw);

}  // namespace wb
