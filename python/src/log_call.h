// LogCall: the arguments of one call of log(), and log() as Python's type has it.
#pragma once

#include <Python.h>

#include "wb/run.h"

namespace wb::python {

/// What log() was called with; borrowed for the call. What was not given is None.
struct LogCall {
  PyObject* data = nullptr;
  PyObject* step = Py_None;
  PyObject* commit = Py_None;

  /// Reads the arguments of a METH_FASTCALL | METH_KEYWORDS method. False: a TypeError is set.
  bool parse(PyObject* const* arguments, Py_ssize_t positional_count, PyObject* keywords) noexcept;

  /// Reads `step` and `commit` if they are None, a plain int, a plain bool. False: they are something else. Runs no
  /// Python code.
  bool read_plain(LogOptions& options) const noexcept;
  /// Reads what they stand for: may run Python code. Throws nanobind::python_error.
  LogOptions read_any() const;
};

/// RunCore.log as a method of `type`. Called from Python without nanobind's dispatch, which costs more than the row.
/// Null: a Python error is set.
PyObject* new_log_method(PyTypeObject* type) noexcept;

}  // namespace wb::python
