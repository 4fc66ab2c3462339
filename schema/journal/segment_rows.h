// The rows of a segment's tables meta, keys and gaps.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "schema/journal/segment.h"
#include "schema/journal/segment_tables.h"
#include "schema/journal/sqlite.h"

namespace wb {

/// Each inserts a table's rows and adds their hashes to `content`, in the order that FORMAT.md gives. Fails as SQLite
/// does.
Status write_meta_rows(Database& database, const SegmentInfo& info, ContentHash& content);
Status write_key_rows(Database& database, std::uint32_t salt, const std::map<std::uint32_t, std::string>& keys,
                      ContentHash& content);
Status write_gap_rows(Database& database, std::uint32_t salt, std::span<const SegmentGap> gaps, ContentHash& content);

}  // namespace wb
