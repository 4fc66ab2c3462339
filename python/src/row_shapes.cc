// RowShapes: the way of nearly every row.
#include "row_shapes.h"

#include <algorithm>
#include <cassert>

#include "numbers.h"

namespace wb::python {

void RowShape::replace(std::span<PyObject* const> names, std::span<const KeyMetric> row) {
  std::array<std::vector<KeyMetric>, 2> rows{std::vector(row.begin(), row.end()), std::vector(row.begin(), row.end())};
  std::vector<PyObject*> owned(names.begin(), names.end());
  for (PyObject* name : owned) Py_INCREF(name);
  names_.swap(owned);
  rows_.swap(rows);
  age_ = 0;
  for (PyObject* name : owned) Py_DECREF(name);  // Exact strs: nothing of Python's runs.
}

RowShape* RowShapes::read(PyObject* dict) noexcept {
  Py_ssize_t position = 0;
  PyObject* name = nullptr;
  PyObject* object = nullptr;
  if (PyDict_Next(dict, &position, &name, &object) == 0) return nullptr;
  const auto count = static_cast<std::size_t>(PyDict_Size(dict));
  RowShape& shape = at(name, count);
  if (shape.names_.size() != count) return nullptr;
  PyObject* const* known = shape.names_.data();
  KeyMetric* metric = shape.next().data();
  do {
    assert(known != shape.names_.data() + count);
    if (*known++ != name || !read_number(object, (metric++)->value)) return nullptr;
  } while (PyDict_Next(dict, &position, &name, &object) != 0);
  return &shape;
}

void RowShapes::add(std::span<PyObject* const> names, std::span<const KeyMetric> row) {
  if (names.empty() || names.size() > kMetricsMax) return;
  RowShape& shape = at(names.front(), names.size());
  assert(shape.age_ == 0);  // Settled, or its values would be lost.
  if (!std::ranges::equal(shape.names(), names)) shape.replace(names, row);
}

void RowShapes::settle(LastValues& values, Released& released) {
  while (true) {
    RowShape* oldest = nullptr;
    for (RowShape& shape : shapes_) {
      if (shape.age_ != 0 && (oldest == nullptr || shape.age_ < oldest->age_)) oldest = &shape;
    }
    if (oldest == nullptr) return;
    const std::span<const KeyMetric> row = oldest->last();
    for (std::size_t i = 0; i < row.size(); ++i) {
      values.set(row[i].key, oldest->names_[i], row[i].value, released);
    }
    oldest->age_ = 0;
  }
}

}  // namespace wb::python
