// Discovery report: the same sentences for every command.
#include "sync/discovery_report.h"

#include <cstdio>

#include "sync/json.h"
#include "sync/text.h"

namespace wb {

std::string damage_text(const Damage& damage) {
  std::string text = printable(damage.path);
  if (damage.offset_bytes != 0) text += " at byte " + std::to_string(damage.offset_bytes);
  text += ": " + printable(damage.what);
  if (damage.first_missing != 0) {
    text += "; records " + std::to_string(damage.first_missing) + " to " + std::to_string(damage.last_missing) +
            " are missing";
  }
  return text;
}

std::string damage_json(const Damage& damage) {
  std::string json = "{\"path\":" + json_string(damage.path);
  json += ",\"offset_bytes\":" + std::to_string(damage.offset_bytes);
  json += ",\"code\":" + json_string(code_name(damage.code));
  json += ",\"what\":" + json_string(damage.what);
  json += ",\"first_missing\":" + std::to_string(damage.first_missing);
  json += ",\"last_missing\":" + std::to_string(damage.last_missing) + "}";
  return json;
}

void print_problems(const Discovery& discovery) {
  for (const Status& problem : discovery.problems) {
    std::fprintf(stderr, "wbsync: %s\n", printable(problem.message()).c_str());
  }
  for (const Damage& damage : discovery.damage) {
    std::fprintf(stderr, "wbsync: damage: %s\n", damage_text(damage).c_str());
  }
}

ExitCode discovery_exit_code(const Discovery& discovery) {
  ExitCode code = discovery.problems.empty() ? ExitCode::kOk : ExitCode::kNotFound;
  if (!discovery.damage.empty()) code = worse(code, ExitCode::kDamage);
  return code;
}

}  // namespace wb
