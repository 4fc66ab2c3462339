// What was found below the given paths, as messages for people and JSON, and as an exit code.
#pragma once

#include <string>

#include "sync/exit_code.h"
#include "sync/run_model.h"

namespace wb {

/// One line: place, what, which sequence numbers are missing. Safe for a terminal.
std::string damage_text(const Damage& damage);
/// {"path","offset_bytes","code","what","first_missing","last_missing"}
std::string damage_json(const Damage& damage);

/// Prints problems and damage to stderr, one line each.
void print_problems(const Discovery& discovery);

/// kDamage if there is any, kNotFound for paths that do not exist, cannot be read or hold no journals.
ExitCode discovery_exit_code(const Discovery& discovery);

}  // namespace wb
