// Calls into the interpreter from threads that may outlive it.
#pragma once

#include <Python.h>
#include <cxxabi.h>
#include <unistd.h>

#include <utility>

namespace wb::python {

/// Runs `work`, plain calls of the C API without anything to destroy. While the interpreter is taken down, a daemon
/// thread that asks for the GIL is ended by pthread_exit() in there; to unwind from that through our frames and
/// nanobind's would abort the program, whose exit code belongs to the main thread. Such a thread sleeps instead, as
/// Python itself has it do from 3.14 on.
template <typename Work>
auto call_python(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const abi::__forced_unwind&) {
    while (true) ::pause();
  }
}

/// Runs `work`, which throws nothing, without the GIL, and takes it again.
template <typename Work>
auto without_gil(Work&& work) {
  PyThreadState* const thread = PyEval_SaveThread();
  auto result = std::forward<Work>(work)();
  call_python([thread] { PyEval_RestoreThread(thread); });
  return result;
}

}  // namespace wb::python
