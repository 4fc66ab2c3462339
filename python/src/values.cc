// ValueReader: the order in which types are tried is that of their frequency.
#include "values.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "interpreter_end.h"
#include "numbers.h"

namespace wb::python {

namespace nb = nanobind;

namespace {

/// An int beyond int64: the nearest double, as on the W&B wire; beyond that the digits as JSON.
Value read_large_int(PyObject* number, std::vector<nb::object>& keep) {
  const double large = PyLong_AsDouble(number);
  if (large != -1.0 || PyErr_Occurred() == nullptr) return {large};
  PyErr_Clear();
  const nb::object digits = nb::steal(PyNumber_ToBase(number, 10));
  if (!digits.is_valid()) nb::raise_python_error();
  keep.push_back(digits);
  return Value::json(text_of(digits.ptr(), keep));
}

/// Whether this is a float32 or float16 of numpy, which is not imported: float() of them is exact, and item() would
/// cost ten times as much.
bool is_small_numpy_float(PyObject* object) noexcept {
  const std::string_view name = Py_TYPE(object)->tp_name;
  return name == "numpy.float32" || name == "numpy.float16";
}

/// object.item(), which numpy's, torch's and jax's scalars and arrays of one element have. Not valid: there is no such
/// method, or it says that there is more than one element.
nb::object item_of(PyObject* object) {
  static PyObject* const name = PyUnicode_InternFromString("item");  // Kept for as long as the process lives.
  // Asked of the type, which is quick and raises nothing.
  if (PyObject_HasAttr(reinterpret_cast<PyObject*>(Py_TYPE(object)), name) == 0) return {};
  nb::object item = nb::steal(call_python([object] { return PyObject_CallMethodNoArgs(object, name); }));
  if (item.is_valid()) return item;
  const bool is_array = PyErr_ExceptionMatches(PyExc_ValueError) != 0 || PyErr_ExceptionMatches(PyExc_TypeError) != 0 ||
                        PyErr_ExceptionMatches(PyExc_RuntimeError) != 0;
  if (!is_array) nb::raise_python_error();
  PyErr_Clear();
  return item;
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
  if (read_number(object, reading.value)) return true;
  if (PyLong_Check(object)) {
    reading.value = read_large_int(object, keep);
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
  const nb::object item = is_small_numpy_float(object)
                              ? nb::steal(call_python([object] { return PyNumber_Float(object); }))
                              : item_of(object);
  if (item.is_valid() && read_plain(item.ptr(), keep, reading) && item.ptr() != Py_None) {
    keep.push_back(item);
    return reading;
  }
  const nb::object plain =
      nb::steal(call_python([&] { return PyObject_CallFunctionObjArgs(convert_.ptr(), object, nullptr); }));
  if (!plain.is_valid()) nb::raise_python_error();
  keep.push_back(plain);
  if (!read_plain(plain.ptr(), keep, reading)) throw nb::type_error("wb: a conversion did not give a plain value");
  return reading;
}

}  // namespace wb::python
