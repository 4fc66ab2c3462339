// The fields of a run record: what is known about a run when a process opens it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/uuid.h"
#include "wb/run.h"
#include "wb/value.h"
#include "writer/settings.h"

namespace wb {

/// Named fields, each a text, a JSON text or a number. Constant once the run is open, so that a forked child can
/// copy them at any moment.
class RunFields {
 public:
  void set(std::string_view name, std::string_view text);  ///< An empty text removes the field.
  void set_json(std::string_view name, std::string_view json);
  void set_number(std::string_view name, std::int64_t number);

  /// The field as a text; empty if it is not set.
  std::string text(std::string_view name) const;

  /// The fields as map entries, borrowed from this.
  std::vector<Metric> entries() const;

 private:
  struct Field {
    std::string name;
    ValueType type;
    std::string text;
    std::int64_t number;
  };
  Field& put(std::string_view name);
  void remove(std::string_view name);

  std::vector<Field> fields_;
};

/// The fields of the whole run and of this machine.
RunFields run_fields(const Settings& settings, const Options& options);

/// Sets what each process has of its own: pid, times, journal. `parent` is the journal of the process that it was
/// forked from, or null.
void set_process_fields(RunFields& fields, const Uuid& journal, const Uuid* parent);

}  // namespace wb
