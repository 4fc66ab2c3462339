// The extension module wb._wb: RunCore and StatusError as Python sees them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <exception>
#include <utility>

#include "log_call.h"
#include "options.h"
#include "run_core.h"
#include "status_error.h"

namespace nb = nanobind;
using wb::python::as_pair;
using wb::python::OpenRuns;
using wb::python::RunCore;

namespace {

void translate_status_error(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const wb::python::StatusError& error) {
    wb::python::set_error(error);
  }
}

}  // namespace

NB_MODULE(_wb, module) {
  // Open runs live until the process exits on purpose (see OpenRuns).
  nb::set_leak_warnings(false);

  PyObject* const status_error = wb::python::status_error_type();
  if (status_error == nullptr) nb::raise_python_error();
  module.attr("StatusError") = nb::borrow(status_error);
  nb::register_exception_translator(translate_status_error);

  nb::class_<RunCore> core(module, "RunCore", nb::dynamic_attr());
  PyObject* const log = wb::python::new_log_method(reinterpret_cast<PyTypeObject*>(core.ptr()));
  if (log == nullptr) nb::raise_python_error();
  core.attr("log") = nb::steal(log);
  core.def(nb::init<nb::callable, nb::type_object>(), nb::arg("convert"), nb::arg("json_type"))
      .def("_open", [](RunCore& core, const nb::dict& options) { core.open(options); })
      .def_prop_ro("_is_open", &RunCore::is_open)
      .def("_update_config", [](RunCore& core, const nb::dict& values) { return as_pair(core.update_config(values)); })
      .def("_update_summary",
           [](RunCore& core, const nb::dict& values) { return as_pair(core.update_summary(values)); })
      .def("_update_run", [](RunCore& core, const nb::dict& fields) { return as_pair(core.update_run(fields)); })
      .def("_define_metric",
           [](RunCore& core, const nb::dict& fields) {
             return as_pair(core.define_metric(wb::python::read_metric_definition(fields)));
           })
      .def("_flush", [](RunCore& core, double timeout_s) { return as_pair(core.flush(timeout_s)); })
      .def("_finish", [](RunCore& core, std::int32_t exit_code) { return as_pair(core.finish(exit_code)); })
      .def("_last_values", &RunCore::last_values)
      .def("_forget_last", &RunCore::forget_last)
      .def("_field", [](const RunCore& core, std::string_view name) { return core.run().field(name); })
      .def("_status", [](const RunCore& core) { return as_pair(core.run().status()); })
      .def_prop_ro("_id", [](const RunCore& core) { return core.run().id(); })
      .def_prop_ro("_directory", [](const RunCore& core) { return core.run().directory(); })
      .def_prop_ro("_journal", [](const RunCore& core) { return core.run().journal(); })
      .def_prop_ro("_step", [](const RunCore& core) { return core.run().step(); })
      .def_prop_ro("_counts", [](const RunCore& core) {
        const wb::Counts counts = core.run().counts();
        return std::pair(counts.accepted, counts.dropped);
      });

  module.def(
      "finish_all", [](std::int32_t exit_code) { OpenRuns::instance().finish_all(exit_code); },
      nb::call_guard<nb::gil_scoped_release>(), "Finishes every run that this process has open.");
}
