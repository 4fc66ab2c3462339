// StatusError: its class in Python.
#include "status_error.h"

namespace wb::python {

std::pair<std::string, std::string> as_pair(const Status& status) {
  return {std::string(code_name(status.code())), status.message()};
}

PyObject* status_error_type() noexcept {
  // Kept for as long as the process lives, as the module is.
  static PyObject* const type = PyErr_NewExceptionWithDoc(
      "wb._wb.StatusError", "What the writer refused: args are the code's name and a message.", nullptr, nullptr);
  return type;
}

void set_error(const StatusError& error) noexcept {
  const auto [code, message] = as_pair(error.status);
  PyObject* const arguments = Py_BuildValue("(ss)", code.c_str(), message.c_str());
  if (arguments == nullptr) return;
  PyErr_SetObject(status_error_type(), arguments);
  Py_DECREF(arguments);
}

}  // namespace wb::python
