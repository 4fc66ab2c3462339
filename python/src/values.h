// Reads Python values as wb::Value: plain scalars directly, everything else through one Python function.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>
#include <vector>

#include "wb/value.h"

namespace wb::python {

/// Turns one object into a Value. Owned by a RunCore; used under the GIL.
class ValueReader {
 public:
  /// `convert(object)` returns a float, int, bool, str, None, or a `json_type` (a str that holds JSON text).
  ValueReader(nanobind::callable convert, nanobind::type_object json_type)
      : convert_(std::move(convert)), json_type_(std::move(json_type)) {}

  /// What was read. `object` is the plain object that `value` came from: the one given, or its conversion.
  struct Reading {
    Value value;
    PyObject* object = nullptr;  ///< Borrowed; lives as long as the argument and `keep`.
  };

  /// Reads a float, int, bool, str or None and runs no Python code. False: it is none of these, nothing was read.
  /// Texts are borrowed from `object`, or from what is added to `keep`.
  bool read_plain(PyObject* object, std::vector<nanobind::object>& keep, Reading& reading) const;

  /// Reads any object, through convert() if it must. Throws nanobind::python_error if the conversion raises.
  Reading read(PyObject* object, std::vector<nanobind::object>& keep) const;

 private:
  nanobind::callable convert_;
  nanobind::type_object json_type_;
};

/// The UTF-8 bytes of a str, lone surrogates as they are (WTF-8). Borrowed from `text` or from `keep`.
std::string_view text_of(PyObject* text, std::vector<nanobind::object>& keep);

}  // namespace wb::python
