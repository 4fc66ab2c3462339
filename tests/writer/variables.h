// A process environment made of given variables.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "writer/environment.h"

namespace wb::test {

using Variables = std::map<std::string, std::string>;

inline Environment environment_of(const Variables& variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found != variables.end() ? std::optional(found->second) : std::nullopt;
  };
}

}  // namespace wb::test
