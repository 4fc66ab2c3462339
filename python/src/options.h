// Reads wb::Options and MetricDefinition from Python dicts.
#pragma once

#include <nanobind/nanobind.h>

#include "wb/run.h"

namespace wb::python {

/// Reads the fields of wb::Options by name; those that are absent or None stay unset. `tags` is a list of str,
/// `config` and `facts` are dicts of str, `keeper` is "auto", "process" or "thread". Throws TypeError or ValueError.
Options read_options(const nanobind::dict& options);

/// Reads the fields of wb::MetricDefinition likewise.
MetricDefinition read_metric_definition(const nanobind::dict& fields);

}  // namespace wb::python
