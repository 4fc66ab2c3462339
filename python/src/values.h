// Reads Python values as wb::Value: plain scalars directly, everything else through one Python function.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>
#include <vector>

#include "wb/value.h"

namespace wb::python {

/// Turns one object into a Value. Owned by a RunCore.
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

  /// Reads any object: a float, int, bool, str or None as it is, what holds one (numpy, torch, jax) by its `item()`,
  /// everything else through convert(). Texts are borrowed from `object`, or from what is added to `keep`. Throws
  /// nanobind::python_error if a conversion raises.
  Reading read(PyObject* object, std::vector<nanobind::object>& keep) const;

 private:
  /// False: it is no float, int, bool, str or None; nothing was read.
  bool read_plain(PyObject* object, std::vector<nanobind::object>& keep, Reading& reading) const;

  nanobind::callable convert_;
  nanobind::type_object json_type_;
};

/// The UTF-8 bytes of a str, lone surrogates as they are (WTF-8). Borrowed from `text` or from `keep`.
std::string_view text_of(PyObject* text, std::vector<nanobind::object>& keep);

}  // namespace wb::python
