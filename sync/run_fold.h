// Run fold: one run out of the digests of its journals.
#pragma once

#include <vector>

#include "sync/journal_fold.h"
#include "sync/run_model.h"

namespace wb {

/// Rebuilds a run. `digests` are all of one run, in any order; none is empty.
///
/// A field of the run record: the last change wins; without one, the first journal (by start, uuid) that has it.
/// Config: rank 0 wins over rank 1 and so on; within a rank the later start wins. Definitions alike.
/// Summary: of the rows as they are merged for the wire; with one journal that is its own.
/// `trouble` gets the status if a journal could be read before and cannot be read now.
RunModel fold_run(std::vector<JournalDigest> digests, Status& trouble);

}  // namespace wb
