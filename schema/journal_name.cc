// File names of a journal: made and parsed in one place.
#include "schema/journal_name.h"

#include <charconv>
#include <cstdio>

#include "schema/bytes.h"
#include "schema/crc32c.h"
#include "schema/limits.h"

namespace wb {
namespace {

bool is_plain(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
}

}  // namespace

std::string run_id_for_files(std::string_view run_id) {
  std::string name;
  for (const char c : run_id) {
    if (is_plain(c)) {
      name += c;
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      name += escaped;
    }
  }
  if (name.size() > kRunIdFileBytesMax) {
    char hash[10];
    std::snprintf(hash, sizeof hash, "~%08x", crc32c(0, as_bytes(run_id)));
    name.resize(kRunIdFileBytesMax - 9);
    name += hash;
  }
  return name.empty() ? "%" : name;
}

std::string journal_stem(std::string_view run_id, std::int64_t rank, std::int64_t attempt, const Uuid& journal) {
  return run_id_for_files(run_id) + ".r" + std::to_string(rank) + ".a" + std::to_string(attempt) + "." +
         journal.hex().substr(0, 8);
}

std::string journal_file(std::string_view stem, std::uint32_t number, FileKind kind) {
  char digits[16];
  std::snprintf(digits, sizeof digits, ".%03u", number);
  return std::string(stem) + digits + (kind == FileKind::kTail ? ".tail" : ".wbj");
}

std::optional<JournalFileName> parse_journal_file(std::string_view name) {
  JournalFileName file;
  if (name.ends_with(".tail")) {
    name.remove_suffix(5);
  } else if (name.ends_with(".wbj")) {
    name.remove_suffix(4);
    file.kind = FileKind::kSegment;
  } else {
    return std::nullopt;
  }
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  const std::string_view digits = name.substr(dot + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), file.number);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.size() < 3) return std::nullopt;
  if (file.number > kFileNumberMax) return std::nullopt;
  file.stem = name.substr(0, dot);
  return file;
}

}  // namespace wb
