// What is fuzzed: one function per decoder. Each aborts if hostile bytes lead to anything but data or an error.
#pragma once

#include <cstddef>
#include <optional>
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
/// A column as pack_column() writes it: what can be read is written again. The codec, if it could be read.
std::optional<ColumnCodec> fuzz_column(std::span<const std::byte> bytes);
/// A recipe and what it makes values of, which are written and read. The codec that they were written with.
std::optional<ColumnCodec> fuzz_values(std::span<const std::byte> bytes);

struct FuzzTarget {
  std::string_view name;  ///< Also of its folder in tests/corpus.
  void (*run)(std::span<const std::byte>);
};
inline constexpr FuzzTarget kFuzzTargets[] = {{"tail", fuzz_tail},
                                              {"record", fuzz_record},
                                              {"block", fuzz_block},
                                              {"segment", fuzz_segment},
                                              {"column", [](std::span<const std::byte> bytes) { fuzz_column(bytes); }},
                                              {"values", [](std::span<const std::byte> bytes) { fuzz_values(bytes); }}};

std::vector<std::byte> pack_block(const BlockInfo& info, std::span<const std::byte> raw);
/// `row_count`: 1 to kBlockRowsMax.
std::vector<std::byte> pack_column(std::span<const std::byte> column, std::size_t row_count, bool is_text);

}  // namespace wb
