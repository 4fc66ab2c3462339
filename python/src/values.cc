// ValueReader: the order in which types are tried is that of their frequency.
#include "values.h"

#include <cstdint>
#include <utility>

#include "interpreter_end.h"

namespace wb::python {

namespace nb = nanobind;

namespace {

/// int64 exactly; beyond that the nearest double, as on the W&B wire; beyond that the digits as JSON.
Value read_int(PyObject* number, std::vector<nb::object>& keep) {
  int overflow = 0;
  const long long small = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow == 0) return {static_cast<std::int64_t>(small)};
  const double large = PyLong_AsDouble(number);
  if (large != -1.0 || PyErr_Occurred() == nullptr) return {large};
  PyErr_Clear();
  const nb::object digits = nb::steal(PyNumber_ToBase(number, 10));
  if (!digits.is_valid()) nb::raise_python_error();
  keep.push_back(digits);
  return Value::json(text_of(digits.ptr(), keep));
}

}  // namespace

std::string_view text_of(PyObject* text, std::vector<nb::object>& keep) {
  Py_ssize_t bytes = 0;
  if (const char* utf8 = PyUnicode_AsUTF8AndSize(text, &bytes)) return {utf8, static_cast<std::size_t>(bytes)};
  PyErr_Clear();
  const nb::object encoded = nb::steal(PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass"));
  char* raw = nullptr;
  if (!encoded.is_valid() || PyBytes_AsStringAndSize(encoded.ptr(), &raw, &bytes) != 0) nb::raise_python_error();
  keep.push_back(encoded);
  return {raw, static_cast<std::size_t>(bytes)};
}

bool ValueReader::read_plain(PyObject* object, std::vector<nb::object>& keep, Reading& reading) const {
  reading.object = object;
  if (PyFloat_Check(object)) {
    reading.value = PyFloat_AsDouble(object);
  } else if (PyBool_Check(object)) {
    reading.value = object == Py_True;
  } else if (PyLong_Check(object)) {
    reading.value = read_int(object, keep);
  } else if (PyUnicode_Check(object)) {
    const std::string_view text = text_of(object, keep);
    const bool is_json = nb::isinstance(nb::handle(object), json_type_);
    reading.value = is_json ? Value::json(text) : Value(text);
  } else if (object == Py_None) {
    reading.value = Value::null();
  } else {
    return false;
  }
  return true;
}

ValueReader::Reading ValueReader::read(PyObject* object, std::vector<nb::object>& keep) const {
  Reading reading;
  if (read_plain(object, keep, reading)) return reading;
  const nb::object plain =
      nb::steal(call_python([&] { return PyObject_CallFunctionObjArgs(convert_.ptr(), object, nullptr); }));
  if (!plain.is_valid()) nb::raise_python_error();
  keep.push_back(plain);
  if (!read_plain(plain.ptr(), keep, reading)) throw nb::type_error("wb: a conversion did not give a plain value");
  return reading;
}

}  // namespace wb::python
