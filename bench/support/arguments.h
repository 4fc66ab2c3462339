// The command line of a benchmark: --name value pairs with defaults.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bench/support/json_line.h"

namespace wb::bench {

/// Arguments are declared by reading them; finish() then refuses those that nobody read.
class Arguments {
 public:
  Arguments(int count, char** values);

  /// `--name`, or `--smoke` given: `smoke`, or neither: `normal`.
  std::int64_t number(const std::string& name, std::int64_t normal, std::int64_t smoke);
  std::string text(const std::string& name, const std::string& normal);

  /// Ends the program with code 2 and a message if an argument is unknown or incomplete.
  void finish() const;

  /// What was read, for the printed line.
  const JsonLine& parameters() const { return parameters_; }

 private:
  std::map<std::string, std::string> given_;
  std::map<std::string, bool> read_;
  JsonLine parameters_;
  std::string problem_;
  bool smoke_ = false;
};

}  // namespace wb::bench
