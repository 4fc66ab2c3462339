// LastValues: what was logged last under each key.
#pragma once

#include <nanobind/nanobind.h>

#include <utility>
#include <vector>

#include "wb/value.h"

namespace wb::python {

/// References that are given up: destroyed where Python code may run, since that is what a finalizer is.
using Released = std::vector<nanobind::object>;

/// The last value of each key. None of its methods runs Python code; the caller holds RunCore's lock.
class LastValues {
 public:
  /// A number that no object stands for.
  void set(Key key, PyObject* name, Value number, Released& released);
  /// A value with the object that it was read from.
  void set(Key key, PyObject* name, PyObject* object, Released& released);
  /// Takes the key of this name out until it is logged again; `name` is a str.
  void forget(PyObject* name, Released& released);
  /// Names and values in the order of their keys' first use. Numbers become new objects.
  std::vector<std::pair<nanobind::object, nanobind::object>> items() const;

 private:
  struct Entry {
    nanobind::object name;    // Not valid: there is no value.
    nanobind::object object;  // Not valid: it is `number`.
    Value number;
  };
  Entry& entry(Key key, PyObject* name, Released& released);

  std::vector<Entry> entries_;  // By key index.
};

}  // namespace wb::python
