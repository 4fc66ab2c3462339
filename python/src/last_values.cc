// LastValues: an object that is replaced is handed out, never released here.
#include "last_values.h"

namespace wb::python {

namespace nb = nanobind;

namespace {

nb::object object_of(Value number) {
  PyObject* object = nullptr;
  if (number.type() == ValueType::kInt64) {
    object = PyLong_FromLongLong(number.as_int64());
  } else if (number.type() == ValueType::kBool) {
    object = PyBool_FromLong(number.bits() != 0);
  } else {
    object = PyFloat_FromDouble(number.as_double());
  }
  if (object == nullptr) nb::raise_python_error();
  return nb::steal(object);
}

}  // namespace

LastValues::Entry& LastValues::entry(Key key, PyObject* name, Released& released) {
  if (key.index >= entries_.size()) entries_.resize(key.index + 1);
  Entry& entry = entries_[key.index];
  if (!entry.name.is_valid()) entry.name = nb::borrow(name);
  if (entry.object.is_valid()) released.push_back(std::move(entry.object));
  return entry;
}

void LastValues::set(Key key, PyObject* name, Value number, Released& released) {
  entry(key, name, released).number = number;
}

void LastValues::set(Key key, PyObject* name, PyObject* object, Released& released) {
  entry(key, name, released).object = nb::borrow(object);
}

void LastValues::forget(PyObject* name, Released& released) {
  for (Entry& entry : entries_) {
    if (!entry.name.is_valid() || PyUnicode_Compare(entry.name.ptr(), name) != 0) continue;
    released.push_back(std::move(entry.name));
    if (entry.object.is_valid()) released.push_back(std::move(entry.object));
  }
}

std::vector<std::pair<nb::object, nb::object>> LastValues::items() const {
  std::vector<std::pair<nb::object, nb::object>> items;
  for (const Entry& entry : entries_) {
    if (!entry.name.is_valid()) continue;
    items.emplace_back(entry.name, entry.object.is_valid() ? entry.object : object_of(entry.number));
  }
  return items;
}

}  // namespace wb::python
