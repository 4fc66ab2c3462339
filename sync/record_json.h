// A record as one line of `wbsync dump`. The format is fixed: docs/dump.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/frame.h"
#include "sync/run_model.h"

namespace wb {

/// The name of a kind in a dump: "row", "heartbeat", ...; "kind<N>" for one that this build does not know.
std::string kind_name(Kind kind);
/// The kind of that name; nothing if there is none.
std::optional<Kind> kind_of_name(std::string_view name);

/// {"run","rank","attempt","source","seq","time","step","kind","flags","data"}, without newline. Floats have the
/// shortest digits and always a point, an exponent, or are NaN, Infinity, -Infinity, so that 3.0 and the integer 3
/// differ. A payload that does not decode: data is null.
std::string record_json(const JournalModel& journal, const Frame& frame);

}  // namespace wb
