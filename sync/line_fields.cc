// Line fields: two passes over the group's cells, then the origins of those names that several journals log. Most lines
// have the names of the line before; then only the values are taken.
#include "sync/line_fields.h"

#include "sync/json.h"

namespace wb {
namespace {

// What a name needs behind it, as bits.
constexpr unsigned kRank = 1, kAttempt = 2, kJournal = 4;

std::string wire_name(std::string name) {
  return name == "_step" || name == "wb/step" ? "user/" + name : name;
}

bool is_same_process(const JournalModel& left, const JournalModel& right) {
  return left.rank == right.rank && left.attempt == right.attempt;
}

std::string origin_suffix(const JournalModel& journal, unsigned origin) {
  std::string suffix;
  if ((origin & kRank) != 0) suffix += "/rank" + std::to_string(journal.rank);
  if ((origin & kAttempt) != 0) suffix += "/attempt" + std::to_string(journal.attempt);
  if ((origin & kJournal) != 0) suffix += "/" + journal.scan.journal.hex().substr(0, 8);
  return suffix;
}

}  // namespace

std::span<const LineField> LineFields::of(const RowMerge& merge, const RowGroup& group) {
  if (!has_last_names(merge, group)) {
    own_names_.resize(merge.cursors().size());
    origin_names_.resize(merge.cursors().size());
    ++line_;
    order_.clear();
    found_.clear();
    for (const std::size_t member : group.members) find(merge, member);
    sort_by_name();
    std::size_t begin = 0;
    for (const LineName* name : order_) {
      const std::size_t end = begin + uses_[name->number].count;
      if (end - begin > 1) add_origins(merge, begin, end);
      begin = end;
    }
  }
  fill(merge, group);
  return fields_;
}

bool LineFields::has_last_names(const RowMerge& merge, const RowGroup& group) const {
  std::size_t at = 0;
  for (const std::size_t member : group.members) {
    for (const Cell& cell : merge.cursors()[member].head()->row.cells) {
      if (at == found_.size() || found_[at].member != member || found_[at].key_index != cell.key_index()) return false;
      ++at;
    }
  }
  return at == found_.size();
}

void LineFields::fill(const RowMerge& merge, const RowGroup& group) {
  const Found* found = found_.data();
  for (const std::size_t member : group.members) {
    const Row& row = merge.cursors()[member].head()->row;
    for (const Cell& cell : row.cells) {
      if (found->name != nullptr) fields_[found->field].value = row.value(cell);
      ++found;
    }
  }
}

const LineName* LineFields::intern(const std::string& text) {
  if (const auto known = by_text_.find(text); known != by_text_.end()) return known->second;
  LineName& name = names_.emplace_back();
  name.text = text;
  name.member = json_string(text) + ":";
  name.number = static_cast<std::uint32_t>(names_.size() - 1);
  by_text_.emplace(name.text, &name);
  uses_.emplace_back();
  return &name;
}

const LineName* LineFields::own_name(const JournalModel& journal, std::size_t member, std::uint32_t key_index) {
  OwnName& own = own_names_[member][key_index];
  if (!own.is_known) {
    const std::string text = wire_name(journal.keys.name(key_index));
    own = {.is_known = true, .name = text.empty() ? nullptr : intern(text)};
  }
  return own.name;
}

void LineFields::find(const RowMerge& merge, std::size_t member) {
  const JournalCursor& cursor = merge.cursors()[member];
  for (const Cell& cell : cursor.head()->row.cells) {
    const LineName* name = own_name(cursor.journal(), member, cell.key_index());
    found_.push_back({.member = member, .key_index = cell.key_index(), .name = name});
    if (name == nullptr) continue;
    Use& use = uses_[name->number];
    if (use.line != line_) {
      use = {.line = line_};
      order_.push_back(name);
    }
    ++use.count;
  }
}

void LineFields::sort_by_name() {
  std::size_t count = 0;
  for (const LineName* name : order_) {
    Use& use = uses_[name->number];
    use.next = count;
    count += use.count;
  }
  fields_.resize(count);
  members_.resize(count);
  for (Found& found : found_) {
    if (found.name == nullptr) continue;
    found.field = uses_[found.name->number].next++;
    fields_[found.field].name = found.name;
    members_[found.field] = found.member;
  }
}

// The fields [begin, end) have one name. Members, and so their ranks and attempts, rise; a journal that has two keys of
// one name stands there twice, with one origin.
void LineFields::add_origins(const RowMerge& merge, std::size_t begin, std::size_t end) {
  const auto journal_at = [&](std::size_t i) -> const JournalModel& { return merge.cursors()[members_[i]].journal(); };
  const unsigned rank = journal_at(begin).rank != journal_at(end - 1).rank ? kRank : 0;
  std::int64_t last_attempt = 0;  // Of the rank that the loop is at.
  for (std::size_t to = end; to > begin;) {
    const JournalModel& journal = journal_at(to - 1);
    std::size_t from = to - 1;
    while (from > begin && members_[from - 1] == members_[from]) --from;
    if (to == end || journal_at(to).rank != journal.rank) last_attempt = journal.attempt;
    const bool has_twin = (to < end && is_same_process(journal_at(to), journal)) ||
                          (from > begin && is_same_process(journal_at(from - 1), journal));
    const unsigned origin = rank | (last_attempt > journal.attempt ? kAttempt : 0) | (has_twin ? kJournal : 0);
    const LineName* name = with_origin(journal, members_[from], *fields_[from].name, origin);
    for (; to > from; --to) fields_[to - 1].name = name;
  }
}

const LineName* LineFields::with_origin(const JournalModel& journal, std::size_t member, const LineName& name,
                                        unsigned origin) {
  if (origin == 0) return &name;
  NameWithOrigin& known = origin_names_[member][name.number];
  if (known.origin != origin) known = {origin, intern(name.text + origin_suffix(journal, origin))};
  // A program may log such a name itself; its own value then stays where it is.
  const LineName* full = known.name;
  while (uses_[full->number].line == line_) full = intern(full->text + "'");
  return full;
}

}  // namespace wb
