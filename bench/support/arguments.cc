// Parses --name value pairs and --smoke.
#include "bench/support/arguments.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace wb::bench {

Arguments::Arguments(int count, char** values) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--smoke") {
      smoke_ = true;
    } else if (name.starts_with("--") && i + 1 < count) {
      given_[std::string(name.substr(2))] = values[++i];
    } else {
      problem_ = "needs --name value pairs, not: " + std::string(name);
    }
  }
}

std::int64_t Arguments::number(const std::string& name, std::int64_t normal, std::int64_t smoke) {
  std::int64_t value = smoke_ ? smoke : normal;
  read_[name] = true;
  if (const auto found = given_.find(name); found != given_.end()) {
    const std::string& digits = found->second;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < 1) {
      problem_ = "--" + name + " needs a number above 0, not: " + digits;
    }
  }
  parameters_.add(name, value);
  return value;
}

std::string Arguments::text(const std::string& name, const std::string& normal) {
  read_[name] = true;
  const auto found = given_.find(name);
  return found == given_.end() ? normal : found->second;
}

void Arguments::finish() const {
  std::string problem = problem_;
  for (const auto& [name, value] : given_) {
    if (!read_.contains(name)) problem = "unknown argument --" + name;
  }
  if (problem.empty()) return;
  std::fprintf(stderr, "%s\nArguments: --smoke", problem.c_str());
  for (const auto& [name, is_read] : read_) std::fprintf(stderr, " --%s VALUE", name.c_str());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

}  // namespace wb::bench
