// RunCore: the C++ half of wb.Run. Holds a wb::Run and what makes a call from Python cheap.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "key_cache.h"
#include "last_values.h"
#include "log_call.h"
#include "open_runs.h"
#include "row_shapes.h"
#include "status_error.h"
#include "values.h"
#include "wb/run.h"

namespace wb::python {

/// Base class of wb.Run. Until open() and after finish() it holds no run: its methods then ask the Python object
/// through `_ready(method name)`, which opens a run, raises, or returns False for "do nothing". Every method is called
/// attached to the interpreter (with the GIL, where there is one) and detaches while it waits. Thread-safe. What a
/// call runs of Python's (a conversion, a finalizer) may call every method again.
class RunCore {
 public:
  RunCore(nanobind::callable convert, nanobind::type_object json_type)
      : reader_(std::move(convert), std::move(json_type)) {}
  ~RunCore();
  RunCore(const RunCore&) = delete;
  RunCore& operator=(const RunCore&) = delete;

  /// Opens the journal. `options`: the fields of wb::Options by name. Throws StatusError.
  void open(const nanobind::dict& options);
  bool is_open() const noexcept;

  /// Accepts one row of numbers whose names came before, and does nothing else: runs no Python code and waits for
  /// nothing. False: this is no such row, the journal is not open or has no room; nothing happened, log() decides.
  bool log_known(const LogCall& call) noexcept;

  /// Accepts one row; `self` is the Python object of this RunCore. A row below the present step is told to
  /// `self._warn_step(step, current)`, a metric with an impossible name to `self._warn_name(message)`. Throws
  /// nanobind::python_error and StatusError.
  void log(nanobind::handle self, const LogCall& call);

  /// These throw StatusError if there never was a run.
  Status update_config(const nanobind::dict& values) { return update(values, &Run::update_config); }
  Status update_summary(const nanobind::dict& values) { return update(values, &Run::update_summary); }
  Status update_run(const nanobind::dict& fields) { return update(fields, &Run::update_run); }
  Status define_metric(const MetricDefinition& definition);
  Status flush(double timeout_s);
  Status finish(std::int32_t exit_code);

  /// The last value that was logged under each key, as a new dict; JSON values as json_type.
  nanobind::dict last_values();
  /// Takes `name`, a str, out of last_values() until it is logged again.
  void forget_last(nanobind::handle name);

  /// The run, open or finished. Throws StatusError if there was none.
  Run& run() const;

 private:
  /// What log() gathers from a dict of its own. Borrows from that dict and from `keep`.
  struct Row {
    std::vector<KeyMetric> metrics;
    std::vector<PyObject*> names;
    std::vector<PyObject*> objects;  ///< What the values were read from.
    std::vector<nanobind::object> keep;
    std::string bad_name;  ///< Why a metric was left out; empty: none was.
    bool is_plain = true;  ///< Numbers under exact strs: can be a shape.
  };

  Status update(const nanobind::dict& values, Status (Run::*method)(std::span<const Metric>) noexcept);
  /// Reads `dict`, which belongs to this call. False: a key could not be interned because the ring has no room now.
  bool gather(nanobind::handle dict, Row& row);
  /// Finds the key of a name. An error is one of Run::key().
  Result<Key> key_of(PyObject* name, std::string_view text);
  bool publish(std::span<const KeyMetric> metrics, const LogOptions& options);
  bool publish_by_name(nanobind::handle dict, const LogOptions& options);
  void remember(const Row& row);

  const ValueReader reader_;
  std::atomic<OpenRun*> open_run_{nullptr};  // Stored by open(). Owned by OpenRuns, which outlives the interpreter.
  // Guards the three below in a free-threaded Python; elsewhere the GIL does, and this is nothing. No Python code runs
  // and nothing is waited for while it is held.
  nanobind::ft_mutex mutex_;
  KeyCache keys_;
  RowShapes shapes_;
  LastValues last_values_;
};

}  // namespace wb::python
