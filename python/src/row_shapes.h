// RowShapes: recognises rows whose names came before, and reads their numbers straight into place.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "last_values.h"
#include "wb/value.h"

namespace wb::python {

/// The names of a row in their order, with their keys and the last row that had them.
class RowShape {
 public:
  RowShape() = default;
  RowShape(const RowShape&) = delete;
  RowShape& operator=(const RowShape&) = delete;
  ~RowShape() { replace({}, {}); }

  std::span<PyObject* const> names() const noexcept { return names_; }
  /// Where the next row's values go; its keys are in place.
  std::span<KeyMetric> next() noexcept { return rows_[1 - current_]; }
  /// The last row, if there was one since the values were settled.
  std::span<const KeyMetric> last() const noexcept { return rows_[current_]; }

 private:
  friend class RowShapes;
  void replace(std::span<PyObject* const> names, std::span<const KeyMetric> row);

  // Owned references, so that an address that is known cannot come to belong to another string.
  std::vector<PyObject*> names_;
  // Taking turns: a row that is refused half-way has not touched the last one.
  std::array<std::vector<KeyMetric>, 2> rows_;
  std::size_t current_ = 0;
  std::uint64_t age_ = 0;  // Which row of all was its last; 0: it has none that is not settled.
};

/// A few shapes, found by the first name and the number of names. A program that logs in a loop has one or two of them:
/// a name is then one comparison of addresses, and the summary costs nothing until it is asked for. None of the methods
/// runs Python code; the caller holds RunCore's lock.
class RowShapes {
 public:
  /// Reads `dict` into next() of its shape. Null: its names are new, or a value is not a plain number.
  RowShape* read(PyObject* dict) noexcept;
  /// The row that read() gave was logged.
  void accept(RowShape& shape) noexcept {
    shape.current_ = 1 - shape.current_;
    shape.age_ = ++age_;
  }
  /// Makes a shape of a row of numbers, whose values are settled already; `names` are exact strs.
  void add(std::span<PyObject* const> names, std::span<const KeyMetric> row);
  /// Moves the values of all last rows to `values`, the oldest first.
  void settle(LastValues& values, Released& released);

 private:
  static constexpr unsigned kSlotBits = 3;
  static constexpr std::size_t kMetricsMax = 1'024;

  RowShape& at(const PyObject* first_name, std::size_t count) noexcept {
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(first_name)) >> 4;
    return shapes_[(address + count) * 0x9E3779B97F4A7C15U >> (64 - kSlotBits)];
  }

  std::array<RowShape, std::size_t{1} << kSlotBits> shapes_;
  std::uint64_t age_ = 0;
};

}  // namespace wb::python
