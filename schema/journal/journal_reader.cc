// JournalReader: joins the files of a journal into one sequence, each record once.
#include "schema/journal/journal_reader.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <memory>

#include "schema/bytes.h"
#include "schema/journal/file.h"
#include "schema/journal/tail_reader.h"
#include "schema/limits.h"
#include "schema/record.h"

namespace wb {
namespace {

constexpr int kListAttemptsMax = 8;  // Each file vanishes at most once, when it is sealed.

/// A directory being listed, closed with its scope.
struct CloseDirectory {
  void operator()(DIR* handle) const noexcept { ::closedir(handle); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string path_of(const JournalFiles& files, const JournalFileName& file) {
  return files.directory + "/" + journal_file(file.stem, file.number, file.kind);
}

// The salt as the file's name has it: the first four bytes of the uuid in hex.
std::optional<std::uint32_t> salt_of(std::string_view stem) {
  if (stem.size() < 8) return std::nullopt;
  std::uint32_t salt = 0;
  for (unsigned i = 0; i < 4; ++i) {
    unsigned value = 0;
    const char* digits = stem.data() + stem.size() - 8 + std::size_t{2} * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
    salt |= value << (8 * i);
  }
  return salt;
}

/// One reading of a journal. Records are given in the order of their sequence numbers as far as the files have them.
class Reading {
 public:
  Reading(const JournalFiles& files, std::uint64_t after_sequence, const RecordVisitor& visit)
      : files_(files), after_sequence_(after_sequence), visit_(visit) {}

  Result<JournalScan> run();

 private:
  using File = JournalFileName;

  std::vector<File> files_of(std::uint32_t number) const;
  Status list_again();
  Status read_number(std::uint32_t number);
  Status read_segment(const File& file, bool verified_only, const RecordVisitor& visit);
  Status read_tail(const File& file, const RecordVisitor& visit, bool note_damage);
  bool accept(const Frame& frame);
  void give(const Frame& frame);
  void fill_hole(std::uint64_t first, std::uint64_t last);
  void note_missing(std::uint64_t first, std::uint64_t last);
  void note(const std::string& path, std::uint64_t offset, Code code, std::string what);
  bool belongs(const std::string& path, const Uuid& journal);

  JournalFiles files_;
  std::uint64_t after_sequence_;
  const RecordVisitor& visit_;
  JournalScan scan_;
  std::optional<Uuid> journal_;
  Status first_failure_;
  bool any_read_ = false;
  bool stopped_ = false;
  int list_attempts_ = 0;

  std::string path_;          // The file being read.
  std::uint64_t offset_ = 0;  // In it.
  std::uint32_t number_ = 0;
  std::uint64_t last_sequence_ = 0;  // Of the trainer's records seen, in whatever file.
  std::uint64_t last_keeper_sequence_ = 0;
  std::size_t open_damage_ = SIZE_MAX;  // The damage that the next missing numbers belong to.
};

void Reading::note(const std::string& path, std::uint64_t offset, Code code, std::string what) {
  scan_.damage.push_back({.path = path, .offset_bytes = offset, .code = code, .what = std::move(what)});
}

void Reading::note_missing(std::uint64_t first, std::uint64_t last) {
  if (open_damage_ < scan_.damage.size() && scan_.damage[open_damage_].first_missing == 0) {
    scan_.damage[open_damage_].first_missing = first;
    scan_.damage[open_damage_].last_missing = last;
    return;
  }
  note(path_, offset_, Code::kCorrupt, "records are missing");
  scan_.damage.back().first_missing = first;
  scan_.damage.back().last_missing = last;
}

bool Reading::belongs(const std::string& path, const Uuid& journal) {
  if (!journal_) journal_ = scan_.journal = journal;
  if (*journal_ == journal) return true;
  note(path, 0, Code::kCorrupt, "the file belongs to another journal");
  return false;
}

// Hands a record to the caller, who wants the trainer's only above after_sequence.
void Reading::give(const Frame& frame) {
  ++scan_.record_count;
  if (frame.source == Source::kTrainer) {
    if (scan_.first_sequence == 0) scan_.first_sequence = frame.sequence;
    scan_.last_sequence = frame.sequence;
    last_sequence_ = frame.sequence;
    if (frame.sequence <= after_sequence_) return;
  } else {
    last_keeper_sequence_ = frame.sequence;
    if (frame.kind == Kind::kTailEnd && frame.payload.size() >= 4 &&
        load_le<std::uint32_t>(frame.payload.data()) == 1) {
      scan_.ends_open = false;
    }
  }
  if (!visit_(frame)) stopped_ = true;
}

// Looks for missing records in the files behind: a keeper that could not sync writes them again into a new tail.
void Reading::fill_hole(std::uint64_t first, std::uint64_t last) {
  const auto wanted = [&](const Frame& frame) {
    if (stopped_ || frame.source != Source::kTrainer) return !stopped_;
    if (frame.sequence > last) return false;
    if (frame.sequence >= first && frame.sequence > last_sequence_) {
      if (frame.sequence != last_sequence_ + 1) note_missing(last_sequence_ + 1, frame.sequence - 1);
      give(frame);
    }
    return !stopped_ && last_sequence_ < last;
  };
  for (const File& file : std::vector<File>(files_.files)) {
    if (stopped_ || last_sequence_ >= last) return;
    if (file.number < number_ || path_of(files_, file) == path_) continue;
    if (file.number > number_ + 1 && last_sequence_ + 1 == first) break;
    if (file.kind == FileKind::kSegment) {
      static_cast<void>(read_segment(file, false, wanted));
    } else {
      static_cast<void>(read_tail(file, wanted, false));
    }
  }
}

bool Reading::accept(const Frame& frame) {
  if (frame.source == Source::kKeeper) {
    if (frame.sequence > last_keeper_sequence_) give(frame);
    return !stopped_;
  }
  if (frame.sequence <= last_sequence_) return true;
  if (frame.sequence != last_sequence_ + 1) {
    fill_hole(last_sequence_ + 1, frame.sequence - 1);
    if (stopped_) return false;
    if (frame.sequence != last_sequence_ + 1) note_missing(last_sequence_ + 1, frame.sequence - 1);
  }
  open_damage_ = SIZE_MAX;
  give(frame);
  return !stopped_;
}

Status Reading::read_segment(const File& file, bool verified_only, const RecordVisitor& visit) {
  const std::string path = path_of(files_, file);
  Result<std::unique_ptr<SegmentReader>> segment = SegmentReader::open(path);
  if (!segment.ok()) return segment.status();
  if (verified_only) {
    Status status = segment.value()->verify();
    if (!status.ok()) return status;
  }
  if (!belongs(path, segment.value()->info().journal)) return {};
  return segment.value()->read(0, visit);
}

Status Reading::read_tail(const File& file, const RecordVisitor& visit, bool note_damage) {
  const std::string path = path_of(files_, file);
  Result<std::unique_ptr<TailReader>> opened = TailReader::open(path, salt_of(file.stem));
  if (!opened.ok()) return opened.status();
  TailReader& tail = *opened.value();
  if (tail.head() && !belongs(path, tail.head()->journal)) return {};
  const bool is_last = file.number == files_.files.back().number;
  for (bool more = true; more;) {
    const std::optional<Frame> frame = tail.next();
    const std::optional<TailDamage>& damage = tail.damage();
    // What is cut off at the end of the last tail was never written.
    const bool is_normal_end = !frame && is_last && damage && damage->code == Code::kTruncated;
    if (note_damage && damage && !is_normal_end) {
      open_damage_ = scan_.damage.size();
      note(path, damage->offset_bytes, damage->code,
           damage->what + " (" + std::to_string(damage->bytes) + " bytes skipped)");
    }
    if (note_damage) offset_ = tail.offset();
    more = frame && visit(*frame);
  }
  return {};
}

std::vector<JournalFileName> Reading::files_of(std::uint32_t number) const {
  std::vector<File> found;
  for (const File& file : files_.files) {
    if (file.number == number) found.push_back(file);
  }
  return found;
}

Status Reading::list_again() {
  if (++list_attempts_ > kListAttemptsMax)
    return {Code::kIoError, files_.directory + ": files vanish while being read"};
  const Result<std::vector<JournalFiles>> journals = list_journals(files_.directory);
  if (!journals.ok()) return journals.status();
  for (const JournalFiles& journal : journals.value()) {
    if (journal.stem == files_.stem) {
      files_.files = journal.files;
      return {};
    }
  }
  return {Code::kNotFound, files_.directory + "/" + files_.stem + ": the journal's files are gone"};
}

// Reads the records of one number from the segment if it verifies, else from the tail, else from what the segment has.
Status Reading::read_number(std::uint32_t number) {
  const auto visit = [this](const Frame& frame) { return accept(frame); };
  const std::vector<File> candidates = files_of(number);
  const bool has_tail = !candidates.empty() && candidates.back().kind == FileKind::kTail;
  Status failure;
  for (const File& file : candidates) {
    path_ = path_of(files_, file);
    offset_ = 0;
    const bool is_segment = file.kind == FileKind::kSegment;
    const std::size_t damage_before = scan_.damage.size();
    const std::uint64_t records_before = scan_.record_count;
    Status status = is_segment ? read_segment(file, has_tail, visit) : read_tail(file, visit, true);
    if (is_vanished(status)) return status;
    if (status.ok()) {
      any_read_ = true;
      is_segment ? ++scan_.segment_count : ++scan_.tail_count;
      return {};
    }
    if (scan_.record_count > records_before) any_read_ = true;
    const bool is_empty_tail = !is_segment && status.code() == Code::kTruncated;
    if (is_empty_tail) {
      any_read_ = true;  // The keeper was killed before it wrote the head.
      ++scan_.tail_count;
      continue;
    }
    if (scan_.damage.size() > damage_before) {
      scan_.damage.back().what = status.message();
    } else {
      open_damage_ = scan_.damage.size();
      note(path_, 0, status.code(), status.message());
    }
    if (is_segment) ++scan_.segment_count;
    if (failure.ok()) failure = status;
  }
  if (first_failure_.ok()) first_failure_ = failure;
  return {};
}

Result<JournalScan> Reading::run() {
  if (files_.files.empty()) {
    Status status = list_again();
    if (!status.ok()) return status;
  }
  std::uint32_t number = 0;
  while (!stopped_) {
    // The files may have been listed again: the next number is looked up each time.
    const auto next =
        std::find_if(files_.files.begin(), files_.files.end(), [&](const File& file) { return file.number >= number; });
    if (next == files_.files.end()) break;
    if (next->number > number) {
      open_damage_ = scan_.damage.size();
      note(files_.directory + "/" + journal_file(files_.stem, number, FileKind::kSegment), 0, Code::kNotFound,
           "the file is missing");
    }
    number = number_ = next->number;
    Status status = read_number(number);
    if (is_vanished(status)) {
      status = list_again();
      if (!status.ok()) return status;
      continue;  // The same number again; records that were given before are known.
    }
    if (!status.ok()) return status;
    ++number;
  }
  if (!any_read_ && !first_failure_.ok()) return first_failure_;
  return scan_;
}

}  // namespace

Result<JournalScan> read_journal(const JournalFiles& files, std::uint64_t after_sequence, const RecordVisitor& visit) {
  return Reading(files, after_sequence, visit).run();
}

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
