// File names of a journal: DIR/<run id>/<run id>.r<rank>.a<attempt>.<8 hex of the uuid>.<NNN>.{tail,wbj}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/uuid.h"

namespace wb {

enum class FileKind : std::uint8_t { kTail, kSegment };

struct JournalFileName {
  std::string stem;  ///< <run id>.r<rank>.a<attempt>.<8 hex>
  std::uint32_t number = 0;
  FileKind kind = FileKind::kTail;
};

/// The run id as it stands in file names: bytes outside [A-Za-z0-9_-] and a leading dot become %XX; over
/// kRunIdFileBytesMax it is cut and ends in ~ and 8 hex digits of its CRC32C. Never empty, never "." or "..".
std::string run_id_for_files(std::string_view run_id);

std::string journal_stem(std::string_view run_id, std::int64_t rank, std::int64_t attempt, const Uuid& journal);

/// "<stem>.007.tail"; three digits at least.
std::string journal_file(std::string_view stem, std::uint32_t number, FileKind kind);

/// Nothing if the name is not a journal file's (temporary files end in ".tmp" and are none).
std::optional<JournalFileName> parse_journal_file(std::string_view name);

}  // namespace wb
