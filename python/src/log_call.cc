// LogCall: positions and keywords of log().
#include "log_call.h"

#include <nanobind/nanobind.h>

#include <array>
#include <new>

#include "interpreter_end.h"
#include "run_core.h"

namespace wb::python {

namespace nb = nanobind;

namespace {

constexpr const char* kDoc =
    "log($self, /, data, step=None, commit=None)\n--\n\n"
    "Logs one row: a dict of str to number, bool, str, None or anything JSON can hold.\n\n"
    "Without `step` the row is complete and the step counts on. With `step` (from 0) the row stays open and later\n"
    "calls for the same step join it, until a higher step, a call without one, or commit=True. A step below the\n"
    "present one is kept and marked out of order. Returns at once and never waits for a disk; if the ring is full\n"
    "the row is dropped, counted, and named in the journal.\n"
    "Raises TypeError if `data` is no mapping or a key is no str, wb.errors.UsageError after finish().";

constexpr std::size_t kParameterCount = 3;
constexpr std::array<const char*, kParameterCount> kParameters{"data", "step", "commit"};

/// Which parameter a keyword names; kParameterCount: none.
std::size_t parameter_of(PyObject* keyword) noexcept {
  // Interned as the keywords of a call are, and kept for as long as the process lives.
  static const std::array<PyObject*, kParameterCount> names{PyUnicode_InternFromString(kParameters[0]),
                                                            PyUnicode_InternFromString(kParameters[1]),
                                                            PyUnicode_InternFromString(kParameters[2])};
  for (std::size_t i = kParameterCount; i-- > 0;) {
    if (names[i] == keyword) return i;
  }
  for (std::size_t i = 0; i < kParameterCount; ++i) {
    if (PyUnicode_CompareWithASCIIString(keyword, kParameters[i]) == 0) return i;
  }
  return kParameterCount;
}

/// Runs `work`, which may throw, and gives Python None or the error.
template <typename Work>
PyObject* guarded(Work&& work) noexcept {
  try {
    work();
    Py_RETURN_NONE;
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const StatusError& error) {
    set_error(error);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  return nullptr;
}

PyObject* log_method(PyObject* self, PyObject* const* arguments, Py_ssize_t positional_count,
                     PyObject* keywords) noexcept {
  LogCall call;
  if (!call.parse(arguments, positional_count, keywords)) return nullptr;
  if (!nb::inst_ready(self)) {
    PyErr_SetString(PyExc_TypeError, "log() of a run whose __init__() was not called");
    return nullptr;
  }
  RunCore& core = *nb::inst_ptr<RunCore>(self);
  if (core.log_known(call)) [[likely]]
    Py_RETURN_NONE;
  return guarded([&] { core.log(self, call); });
}

PyMethodDef log_definition{"log", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(log_method)),
                           METH_FASTCALL | METH_KEYWORDS, kDoc};

}  // namespace

bool LogCall::parse(PyObject* const* arguments, Py_ssize_t positional_count, PyObject* keywords) noexcept {
  if (positional_count > static_cast<Py_ssize_t>(kParameterCount)) {
    PyErr_Format(PyExc_TypeError, "log() takes at most %d arguments (%zd given)", static_cast<int>(kParameterCount),
                 positional_count);
    return false;
  }
  const std::array<PyObject**, kParameterCount> values{&data, &step, &commit};
  for (Py_ssize_t i = 0; i < positional_count; ++i) *values[i] = arguments[i];
  const Py_ssize_t keyword_count = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < keyword_count; ++i) {
    PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
    const std::size_t parameter = parameter_of(keyword);
    if (parameter == kParameterCount || static_cast<Py_ssize_t>(parameter) < positional_count) {
      PyErr_Format(PyExc_TypeError,
                   parameter == kParameterCount ? "log() got an unexpected keyword argument '%U'"
                                                : "log() got multiple values for argument '%U'",
                   keyword);
      return false;
    }
    *values[parameter] = arguments[positional_count + i];
  }
  if (data == nullptr) {
    PyErr_SetString(PyExc_TypeError, "log() missing 1 required positional argument: 'data'");
    return false;
  }
  return true;
}

bool LogCall::read_plain(LogOptions& options) const noexcept {
  if (step != Py_None) {
    if (!PyLong_CheckExact(step)) return false;
    int overflow = 0;
    options.step = PyLong_AsLongLongAndOverflow(step, &overflow);
    if (overflow != 0) return false;
  }
  if (commit != Py_None) {
    if (!PyBool_Check(commit)) return false;
    options.commit = commit == Py_True;
  }
  return true;
}

LogOptions LogCall::read_any() const {
  LogOptions options;
  if (read_plain(options)) return options;
  if (step != Py_None) {
    // int() takes what wandb's callers pass: ints, numpy integers, integral floats, tensors of one element.
    const nb::object number = nb::steal(call_python([this] { return PyNumber_Long(step); }));
    if (!number.is_valid()) nb::raise_python_error();
    options.step = PyLong_AsLongLong(number.ptr());
    if (*options.step == -1 && PyErr_Occurred() != nullptr) nb::raise_python_error();
  }
  if (commit != Py_None) {
    const int truth = call_python([this] { return PyObject_IsTrue(commit); });
    if (truth < 0) nb::raise_python_error();
    options.commit = truth == 1;
  }
  return options;
}

PyObject* new_log_method(PyTypeObject* type) noexcept {
  return PyDescr_NewMethod(type, &log_definition);
}

}  // namespace wb::python
