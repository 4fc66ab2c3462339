// Reads numbers of Python as wb::Value without running Python code.
#pragma once

#include <Python.h>

#include <cstdint>

#include "wb/value.h"

namespace wb::python {

/// Reads a float (numpy's float64 is one), a bool or an int of at most 64 bits. False: it is none of these. Runs no
/// Python code, allocates nothing and sets no error.
inline bool read_number(PyObject* object, Value& number) noexcept {
  if (PyFloat_CheckExact(object)) [[likely]] {
    number = PyFloat_AS_DOUBLE(object);
    return true;
  }
  if (PyLong_Check(object)) {
    if (PyBool_Check(object)) {
      number = object == Py_True;
      return true;
    }
    int overflow = 0;
    number = static_cast<std::int64_t>(PyLong_AsLongLongAndOverflow(object, &overflow));
    return overflow == 0;
  }
  if (!PyFloat_Check(object)) return false;
  number = PyFloat_AS_DOUBLE(object);
  return true;
}

}  // namespace wb::python
