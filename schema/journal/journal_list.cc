// list_journals: which journals have files in a directory.
#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "schema/journal/file.h"
#include "schema/journal/journal_reader.h"

namespace wb {
namespace {

struct CloseDirectory {
  void operator()(DIR* handle) const noexcept { ::closedir(handle); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

}  // namespace

Result<std::vector<JournalFiles>> list_journals(const std::string& directory) {
  const Directory handle(::opendir(directory.c_str()));
  if (handle == nullptr) return file_status(directory, "list", errno);
  std::map<std::string, JournalFiles> journals;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(handle.get());
    if (entry == nullptr && errno != 0) return file_status(directory, "list", errno);
    if (entry == nullptr) break;
    const std::optional<JournalFileName> file = parse_journal_file(entry->d_name);
    if (!file) continue;
    JournalFiles& journal = journals[file->stem];
    journal.directory = directory;
    journal.stem = file->stem;
    journal.files.push_back(*file);
  }
  std::vector<JournalFiles> sorted;
  for (auto& [stem, journal] : journals) {
    std::sort(journal.files.begin(), journal.files.end(), [](const JournalFileName& a, const JournalFileName& b) {
      return a.number != b.number ? a.number < b.number : a.kind > b.kind;  // kSegment before kTail.
    });
    sorted.push_back(std::move(journal));
  }
  return sorted;
}

}  // namespace wb
