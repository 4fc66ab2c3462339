// StatusError: a Status as an exception, here and in Python.
#pragma once

#include <Python.h>

#include <string>
#include <utility>

#include "wb/status.h"

namespace wb::python {

/// Becomes wb._wb.StatusError(code name, message) in Python.
struct StatusError {
  Status status;
};

/// A Status as Python gets it: ("ok", "") or (code name, message).
std::pair<std::string, std::string> as_pair(const Status& status);

/// wb._wb.StatusError, borrowed. Null: a Python error is set.
PyObject* status_error_type() noexcept;

/// Makes the error the present one of Python.
void set_error(const StatusError& error) noexcept;

}  // namespace wb::python
