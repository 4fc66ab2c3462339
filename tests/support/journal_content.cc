// Reading by the one reader that wbsync uses too.
#include "tests/support/journal_content.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "schema/record.h"

namespace wb::test {
namespace {

std::map<std::string, std::int64_t> map_numbers(const Frame& frame) {
  std::map<std::string, std::int64_t> numbers;
  const auto entries = decode_map(frame.payload);
  if (!entries.ok()) return numbers;
  for (const Metric& entry : entries.value()) {
    if (!entry.value.is_text()) numbers[std::string(entry.name)] = entry.value.as_int64();
  }
  return numbers;
}

}  // namespace

JournalContent read_only_journal(const std::string& directory) {
  JournalContent content;
  const auto journals = list_journals(directory);
  EXPECT_TRUE(journals.ok()) << journals.status().message();
  if (!journals.ok()) return content;
  EXPECT_EQ(journals.value().size(), 1U);
  if (journals.value().size() != 1) return content;
  const auto scan = read_journal(journals.value()[0], 0, [&](const Frame& frame) {
    ++content.kinds[frame.kind];
    if (frame.source == Source::kTrainer) content.sequences.push_back(frame.sequence);
    if (frame.kind == Kind::kRow) content.steps.push_back(RowView::parse(frame.payload).value().step());
    if (frame.kind == Kind::kGap) content.gaps.push_back(map_numbers(frame));
    if (frame.kind == Kind::kDeath) content.deaths.push_back(map_numbers(frame));
    if (frame.kind == Kind::kSignal) content.signals.push_back(map_numbers(frame));
    return true;
  });
  EXPECT_TRUE(scan.ok()) << scan.status().message();
  if (scan.ok()) content.scan = scan.value();
  return content;
}

bool is_each_once(const std::vector<std::uint64_t>& sequences, std::uint64_t last) {
  if (sequences.size() != last) return false;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i] != i + 1) return false;
  }
  return true;
}

std::vector<std::string> files_ending_in(const std::string& directory, const std::string& ending) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(ending)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TempDirectory::TempDirectory() {
  std::string path = std::filesystem::temp_directory_path() / "wbtest-XXXXXX";
  EXPECT_NE(::mkdtemp(path.data()), nullptr);
  path_ = path;
}

TempDirectory::~TempDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace wb::test
