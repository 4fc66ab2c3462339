// read_journal: joins the files of a journal into one sequence, each record once.
#include "schema/journal/journal_reader.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "schema/bytes.h"
#include "schema/journal/file.h"
#include "schema/journal/sequence_set.h"
#include "schema/journal/tail_reader.h"

namespace wb {
namespace {

constexpr int kListAttemptsMax = 8;    // A file vanishes once, when it is sealed.
constexpr int kHoleSearchesMax = 256;  // Files opened again to look for missing records.
constexpr std::size_t kNone = SIZE_MAX;

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

bool is_journal_end(const Frame& frame) {
  return frame.kind == Kind::kTailEnd && frame.payload.size() >= 4 && load_le<std::uint32_t>(frame.payload.data()) == 1;
}

/// One reading of a journal. The trainer's records are given by rising sequence number.
class Reading {
 public:
  Reading(const JournalFiles& files, std::uint64_t after_sequence, const RecordVisitor& visit,
          const ReadingPlace& place)
      : files_(files), after_sequence_(after_sequence), visit_(visit), place_(place), last_sequence_(after_sequence) {}

  Result<JournalScan> run();
  /// Where it stopped, or began with the last file.
  const ReadingPlace& place() const { return place_; }

 private:
  using File = JournalFileName;

  Status list_again();
  Status read_number(std::uint32_t number);
  Status read_both(const File& segment, const File& tail);
  Status read_segment(const File& file, std::uint64_t after_sequence, const RecordVisitor& visit);
  Status verify_segment(const File& file) const;
  Status read_tail(const File& file, const RecordVisitor& visit, bool is_its_turn);
  void note_tail(const File& file, const TailReader& tail, bool at_end);

  bool accept(const Frame& frame);
  void give(const Frame& frame);
  void fill_hole(std::uint64_t last);
  bool give_wanted(const Frame& frame, std::uint64_t last);
  void note_missing(std::uint64_t first, std::uint64_t last);
  void note(const std::string& path, std::uint64_t offset, Code code, std::string what);
  void note_failure(const std::string& path, const Status& status);
  bool belongs(const std::string& path, const Uuid& journal);

  JournalFiles files_;
  std::uint64_t after_sequence_;
  const RecordVisitor& visit_;
  ReadingPlace place_;
  JournalScan scan_;
  std::optional<Uuid> journal_;
  Status first_failure_;
  bool any_read_ = false;
  bool stopped_ = false;

  std::string path_;          // The file being read.
  std::uint64_t offset_ = 0;  // In it.
  std::uint64_t last_sequence_;
  SequenceSet keeper_;
  std::size_t open_damage_ = kNone;  // The damage that the next missing numbers belong to.
  std::optional<Damage> cut_;        // A tail that ends early: damage only if numbers are missing then.
  int hole_searches_ = 0;
  std::map<std::string, std::uint64_t> first_sequences_;  // Of files that a hole was looked for in.
};

void Reading::note(const std::string& path, std::uint64_t offset, Code code, std::string what) {
  if (what.starts_with(path + ": ")) what.erase(0, path.size() + 2);
  scan_.damage.push_back({.path = path, .offset_bytes = offset, .code = code, .what = std::move(what)});
  open_damage_ = scan_.damage.size() - 1;
}

// A file that could not be read to its end. Numbers found missing in it are named with the reason.
void Reading::note_failure(const std::string& path, const Status& status) {
  const std::size_t before = open_damage_;
  note(path, 0, status.code(), status.message());
  if (scan_.damage.size() >= 2 && before == kNone) {
    Damage& missing = scan_.damage[scan_.damage.size() - 2];
    if (missing.path == path && missing.first_missing != 0) {
      missing.what = scan_.damage.back().what;
      missing.code = status.code();
      scan_.damage.pop_back();
      open_damage_ = kNone;
    }
  }
  if (first_failure_.ok()) first_failure_ = status;
}

void Reading::note_missing(std::uint64_t first, std::uint64_t last) {
  if (open_damage_ == kNone) {
    if (cut_) {
      scan_.damage.push_back(*cut_);
    } else {
      note(path_, offset_, Code::kCorrupt, "records are missing");
    }
    open_damage_ = scan_.damage.size() - 1;
  }
  scan_.damage[open_damage_].first_missing = first;
  scan_.damage[open_damage_].last_missing = last;
  open_damage_ = kNone;
  cut_.reset();
}

bool Reading::belongs(const std::string& path, const Uuid& journal) {
  if (!journal_) journal_ = scan_.journal = journal;
  if (*journal_ == journal) return true;
  note(path, 0, Code::kCorrupt, "the file belongs to another journal");
  open_damage_ = kNone;
  return false;
}

void Reading::give(const Frame& frame) {
  ++scan_.record_count;
  if (frame.source == Source::kTrainer) {
    if (scan_.first_sequence == 0) scan_.first_sequence = frame.sequence;
    scan_.last_sequence = last_sequence_ = frame.sequence;
  } else if (is_journal_end(frame)) {
    scan_.ends_open = false;
  }
  if (!visit_(frame)) stopped_ = true;
}

// Takes a record out of turn if it is the next of those that are missing.
bool Reading::give_wanted(const Frame& frame, std::uint64_t last) {
  if (frame.source != Source::kTrainer) return true;
  if (frame.sequence > last) return true;  // Behind it may come records that were written again.
  if (frame.sequence <= last_sequence_) return true;
  if (frame.sequence != last_sequence_ + 1) note_missing(last_sequence_ + 1, frame.sequence - 1);
  give(frame);
  return !stopped_ && last_sequence_ < last;
}

// Looks for the records up to `last` elsewhere: in the other file of the same number, and where a keeper that could not
// sync has written them again, in this file or in those behind.
void Reading::fill_hole(std::uint64_t last) {
  const std::string reading = path_;
  const auto current = parse_journal_file(std::string_view(reading).substr(reading.rfind('/') + 1));
  for (const File& file : std::vector<File>(files_.files)) {
    if (stopped_ || last_sequence_ >= last) return;
    if (!current || file.number < current->number) continue;
    const std::string path = path_of(files_, file);
    const auto known = first_sequences_.find(path);
    if (known != first_sequences_.end() && known->second > last) {
      if (file.number > current->number) return;  // The files behind begin later still.
      continue;
    }
    if (++hole_searches_ > kHoleSearchesMax) return;
    std::uint64_t first = UINT64_MAX;
    const auto wanted = [&](const Frame& frame) {
      if (frame.source == Source::kTrainer) first = std::min(first, frame.sequence);
      return give_wanted(frame, last);
    };
    const Status status =
        file.kind == FileKind::kSegment ? read_segment(file, last_sequence_, wanted) : read_tail(file, wanted, false);
    // What is wrong with that file is reported when its turn comes.
    if (status.ok() && file.kind == FileKind::kTail && first != UINT64_MAX) first_sequences_[path] = first;
    if (file.number > current->number && first > last && first != UINT64_MAX) return;
  }
}

// The next record of the file whose turn it is.
bool Reading::accept(const Frame& frame) {
  if (frame.source == Source::kKeeper) {
    if (keeper_.insert(frame.sequence)) give(frame);
    return !stopped_;
  }
  if (frame.sequence <= last_sequence_) return true;
  if (frame.sequence != last_sequence_ + 1) fill_hole(frame.sequence - 1);
  if (stopped_) return false;
  if (frame.sequence != last_sequence_ + 1) note_missing(last_sequence_ + 1, frame.sequence - 1);
  open_damage_ = kNone;
  cut_.reset();
  give(frame);
  return !stopped_;
}

Status Reading::verify_segment(const File& file) const {
  Result<std::unique_ptr<SegmentReader>> segment = SegmentReader::open(path_of(files_, file));
  return segment.ok() ? segment.value()->verify() : segment.status();
}

Status Reading::read_segment(const File& file, std::uint64_t after_sequence, const RecordVisitor& visit) {
  const std::string path = path_of(files_, file);
  Result<std::unique_ptr<SegmentReader>> segment = SegmentReader::open(path);
  if (!segment.ok()) return segment.status();
  if (!belongs(path, segment.value()->info().journal)) return {};
  return segment.value()->read(after_sequence, visit);
}

void Reading::note_tail(const File& file, const TailReader& tail, bool at_end) {
  offset_ = tail.offset();
  if (!tail.damage()) return;
  const TailDamage& damage = *tail.damage();
  const std::string path = path_of(files_, file);
  const std::string what = damage.what + " (" + std::to_string(damage.bytes) + " bytes skipped)";
  if (at_end && damage.code == Code::kTruncated) {
    // The last tail is being written, or its keeper was killed. An earlier one is cut off where its keeper was.
    cut_ = Damage{.path = path, .offset_bytes = damage.offset_bytes, .code = Code::kTruncated, .what = what};
    return;
  }
  note(path, damage.offset_bytes, damage.code, what);
}

Status Reading::read_tail(const File& file, const RecordVisitor& visit, bool is_its_turn) {
  const std::string path = path_of(files_, file);
  const std::uint64_t from_offset = is_its_turn && place_.number == file.number ? place_.tail_offset : 0;
  Result<std::unique_ptr<TailReader>> opened = TailReader::open(path, salt_of(file.stem), from_offset);
  if (!opened.ok()) return opened.status();
  TailReader& tail = *opened.value();
  if (tail.head() && !belongs(path, tail.head()->journal)) return {};
  if (is_its_turn) scan_.bytes += tail.bytes();
  while (true) {
    const std::optional<Frame> frame = tail.next();
    if (is_its_turn) note_tail(file, tail, !frame);
    if (!frame) return tail.status();
    if (is_its_turn) place_ = {file.number, tail.offset()};
    if (!visit(*frame)) return {};
  }
}

Status Reading::list_again() {
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

// A keeper died between sealing a tail and removing it, or one of the two is damaged.
Status Reading::read_both(const File& segment, const File& tail) {
  const auto visit = [this](const Frame& frame) { return accept(frame); };
  const Status damaged = verify_segment(segment);
  if (is_vanished(damaged)) return damaged;
  if (damaged.ok()) return read_segment(segment, after_sequence_, visit);
  note_failure(path_of(files_, segment), damaged);
  open_damage_ = kNone;
  path_ = path_of(files_, tail);
  Status status = read_tail(tail, visit, true);
  if (is_vanished(status)) return status;
  if (!stopped_) {
    // Records that the tail has lost; the damage is noted already.
    path_ = path_of(files_, segment);
    static_cast<void>(read_segment(segment, last_sequence_, visit));
  }
  return status;
}

Status Reading::read_number(std::uint32_t number) {
  const auto visit = [this](const Frame& frame) { return accept(frame); };
  std::vector<File> found;
  for (const File& file : files_.files) {
    if (file.number == number) found.push_back(file);
  }
  path_ = path_of(files_, found.front());
  offset_ = 0;
  if (place_.number != number) place_ = {.number = number};
  const bool is_segment = found.front().kind == FileKind::kSegment;
  const std::uint64_t records_before = scan_.record_count;
  Status status;
  if (found.size() > 1) {
    status = read_both(found.front(), found.back());
  } else {
    status = is_segment ? read_segment(found.front(), after_sequence_, visit) : read_tail(found.front(), visit, true);
  }
  if (is_vanished(status)) return status;
  for (const File& file : found) {
    ++(file.kind == FileKind::kSegment ? scan_.segment_count : scan_.tail_count);
    if (file.kind == FileKind::kSegment) scan_.bytes += regular_bytes(path_of(files_, file));
  }
  // A keeper that was killed before it wrote the head leaves an empty tail.
  if (status.ok() || status.code() == Code::kTruncated || scan_.record_count > records_before) any_read_ = true;
  if (!status.ok() && status.code() != Code::kTruncated) note_failure(path_, status);
  return {};
}

Result<JournalScan> Reading::run() {
  int list_attempts = 0;
  std::uint32_t number = place_.number;
  while (!stopped_) {
    // The files may have been listed again, so the next number is looked up each time.
    const auto next =
        std::find_if(files_.files.begin(), files_.files.end(), [&](const File& file) { return file.number >= number; });
    if (next == files_.files.end()) break;
    if (next->number > number) {
      note(files_.directory + "/" + journal_file(files_.stem, number, FileKind::kSegment), 0, Code::kNotFound,
           "the file is missing, or files up to number " + std::to_string(next->number - 1) + " are");
    }
    number = next->number;
    Status status = read_number(number);
    if (is_vanished(status) && ++list_attempts <= kListAttemptsMax) {
      status = list_again();
      if (!status.ok()) return status;
      continue;  // The same number again; records that were given before are known.
    }
    if (!status.ok()) note_failure(path_, status);
    ++number;
  }
  if (!any_read_ && !first_failure_.ok()) return first_failure_;
  if (!any_read_ && files_.files.empty()) {
    return Status(Code::kNotFound, files_.directory + "/" + files_.stem + ": the journal has no files");
  }
  return scan_;
}

}  // namespace

Result<JournalScan> read_journal(const JournalFiles& files, std::uint64_t after_sequence, const RecordVisitor& visit,
                                 ReadingPlace* place) {
  Reading reading(files, after_sequence, visit, place == nullptr ? ReadingPlace{} : *place);
  Result<JournalScan> scan = reading.run();
  if (place != nullptr) *place = reading.place();
  return scan;
}

}  // namespace wb
