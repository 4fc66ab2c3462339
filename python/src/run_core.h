// RunCore: the C++ half of wb.Run. Holds a wb::Run and what makes a call from Python cheap.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "key_cache.h"
#include "open_runs.h"
#include "values.h"
#include "wb/run.h"

namespace wb::python {

/// A Status as an exception: becomes wb._wb.StatusError(code name, message) in Python.
struct StatusError {
  Status status;
};

/// Base class of wb.Run. Until open() and after finish() it holds no run: its methods then ask the Python object
/// through `_ready(method name)`, which opens a run, raises, or returns False for "do nothing". Every method needs the
/// GIL; open, flush and finish release it while they wait.
class RunCore {
 public:
  RunCore(nanobind::callable convert, nanobind::type_object json_type)
      : reader_(std::move(convert), std::move(json_type)) {}
  ~RunCore();
  RunCore(const RunCore&) = delete;
  RunCore& operator=(const RunCore&) = delete;

  /// Opens the journal. `options`: the fields of wb::Options by name. Throws StatusError.
  void open(const nanobind::dict& options);
  bool is_open() const noexcept { return open_run_ != nullptr && !open_run_->finished; }

  /// Accepts one row; `self` is the Python object of this RunCore. Returns whether the row was accepted; a row
  /// below the present step is told to `self._warn_step(step, current)`, a dropped one to `self._warn_dropped()`, a
  /// metric with an impossible name to `self._warn_name(message)`.
  bool log(nanobind::handle self, nanobind::handle data, nanobind::handle step, nanobind::handle commit);

  /// These throw StatusError if there never was a run.
  Status update_config(const nanobind::dict& values) { return update(values, &Run::update_config); }
  Status update_summary(const nanobind::dict& values) { return update(values, &Run::update_summary); }
  Status update_run(const nanobind::dict& fields) { return update(fields, &Run::update_run); }
  Status define_metric(const MetricDefinition& definition) { return run().define_metric(definition); }
  Status flush(double timeout_s);
  Status finish(std::int32_t exit_code);

  /// The last value that was logged under each key, as a new dict; JSON values as json_type.
  nanobind::dict last_values() const;
  /// Takes `name` out of last_values() until it is logged again.
  void forget_last(std::string_view name);

  /// The run, open or finished. Throws StatusError if there was none.
  Run& run() const;

 private:
  struct LastValue {
    nanobind::object name;
    nanobind::object value;
  };
  /// What one call of log() gathers. Kept between calls for its memory.
  struct Row {
    std::vector<KeyMetric> metrics;
    std::vector<PyObject*> names;    ///< Of the metrics; borrowed from the dict.
    std::vector<PyObject*> objects;  ///< What the values were read from; borrowed from the dict or `keep`.
    std::vector<nanobind::object> keep;
    std::string bad_name;  ///< Why a metric was left out; empty: none was.

    void add(Key key, Value value, PyObject* name, PyObject* object) {
      metrics.push_back({key, value});
      names.push_back(name);
      objects.push_back(object);
    }
    void clear();
  };

  Status update(const nanobind::dict& values, Status (Run::*method)(std::span<const Metric>) noexcept);
  /// Reads `dict` into `row`, which borrows from it; `dict` becomes a copy if a value needs a conversion. False: a
  /// key could not be interned because the ring has no room now.
  bool gather(nanobind::object& dict, Row& row);
  bool log_by_name(nanobind::handle dict, const LogOptions& options);
  void remember(const Row& row);

  ValueReader reader_;
  OpenRun* open_run_ = nullptr;  // Owned by OpenRuns, which outlives the interpreter.
  KeyCache keys_;
  std::vector<LastValue> last_values_;  // By key index.
  Row spare_row_;
};

}  // namespace wb::python
