// A run of many journals, made with make_group().
#include "bench/support/journal_group.h"

#include "bench/support/journal_maker.h"

namespace wb::bench {

JournalGroup::JournalGroup(Arguments& arguments, std::int64_t rounds)
    : journals_(static_cast<std::uint64_t>(arguments.number("journals", 64, 3))),
      rows_(static_cast<std::size_t>(arguments.number("rows", 10'000, 200))),
      rounds_(arguments.number("rounds", rounds, 1)),
      scratch_(arguments.text("directory", default_scratch_parent())) {
  arguments.finish();
}

Status JournalGroup::make(std::string_view run_id) const {
  return make_group(scratch_.path(), run_id, journals_, rows_);
}

}  // namespace wb::bench
