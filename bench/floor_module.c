// The least that an extension's log(dict) must do: walk the dict and read its floats. Promise P3 is measured against
// it.
#include <Python.h>

static PyObject* walk(PyObject* module, PyObject* row) {
  (void)module;
  PyObject *key = NULL, *value = NULL;
  Py_ssize_t at = 0;
  double sum = 0;
  if (!PyDict_Check(row)) {
    PyErr_SetString(PyExc_TypeError, "walk() needs a dict");
    return NULL;
  }
  while (PyDict_Next(row, &at, &key, &value)) sum += PyFloat_AsDouble(value);
  if (sum == -1 && PyErr_Occurred() != NULL) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"walk", walk, METH_O, "Reads the floats of a dict."}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "wb_bench_floor", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_wb_bench_floor(void) {
  return PyModule_Create(&module);
}
