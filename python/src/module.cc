// The extension module wb._wb: RunCore and StatusError as Python sees them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <exception>
#include <string>
#include <utility>

#include "options.h"
#include "run_core.h"

namespace nb = nanobind;
using wb::python::OpenRuns;
using wb::python::RunCore;

namespace {

/// A Status as Python gets it: ("ok", "") or (code name, message).
std::pair<std::string, std::string> as_pair(const wb::Status& status) {
  return {std::string(wb::code_name(status.code())), status.message()};
}

RunCore& core_of(nb::handle_t<RunCore> self) {
  return *nb::inst_ptr<RunCore>(self);
}

void translate_status_error(const std::exception_ptr& thrown, void* type) {
  try {
    std::rethrow_exception(thrown);
  } catch (const wb::python::StatusError& error) {
    const auto [code, message] = as_pair(error.status);
    PyErr_SetObject(static_cast<PyObject*>(type), nb::make_tuple(code, message).ptr());
  }
}

}  // namespace

NB_MODULE(_wb, module) {
  // Open runs live until the process exits on purpose (see OpenRuns).
  nb::set_leak_warnings(false);

  PyObject* const status_error = PyErr_NewExceptionWithDoc(
      "wb._wb.StatusError", "What the writer refused: args are the code's name and a message.", nullptr, nullptr);
  if (status_error == nullptr) nb::raise_python_error();
  module.attr("StatusError") = nb::borrow(status_error);
  nb::register_exception_translator(translate_status_error, status_error);

  nb::class_<RunCore>(module, "RunCore", nb::dynamic_attr())
      .def(nb::init<nb::callable, nb::type_object>(), nb::arg("convert"), nb::arg("json_type"))
      .def(
          "log",
          [](nb::handle_t<RunCore> self, nb::handle data, nb::handle step, nb::handle commit) {
            core_of(self).log(self, data, step, commit);
          },
          nb::arg("data").none(), nb::arg("step") = nb::none(), nb::arg("commit") = nb::none(),
          "Logs one row: a dict of str to number, bool, str, None or anything JSON can hold.\n\n"
          "Without `step` the row is complete and the step counts on. With `step` (from 0) the row stays open and "
          "later "
          "calls for the same step join it, until a higher step, a call without one, or commit=True. A step below the "
          "present one is kept and marked out of order. Returns at once and never waits for a disk; if the ring is "
          "full "
          "the row is dropped, counted, and named in the journal.\n"
          "Raises TypeError if `data` is no mapping or a key is no str, wb.errors.UsageError after finish().")
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
