// KeyCache: finds the interned key of a Python string by its address.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "wb/value.h"

namespace wb::python {

/// A direct-mapped cache of string objects. It owns a reference to each string that it holds, so that an address it
/// knows cannot come to belong to another string. The caller holds RunCore's lock.
class KeyCache {
 public:
  KeyCache() = default;
  KeyCache(const KeyCache&) = delete;
  KeyCache& operator=(const KeyCache&) = delete;
  ~KeyCache() {
    for (Entry& entry : entries_) Py_XDECREF(entry.name);
  }

  /// Null if the cache does not know it. Valid until the next insert().
  const Key* find(PyObject* name) const noexcept {
    const Entry& entry = entries_[slot(name)];
    return entry.name == name ? &entry.key : nullptr;
  }

  /// `name` is an exact str, so that giving one up runs no Python code.
  void insert(PyObject* name, Key key) noexcept {
    Entry& entry = entries_[slot(name)];
    PyObject* const evicted = entry.name;
    Py_INCREF(name);
    entry = {name, key};
    Py_XDECREF(evicted);
  }

 private:
  struct Entry {
    PyObject* name = nullptr;
    Key key;
  };
  static constexpr unsigned kSlotBits = 9;

  static std::size_t slot(const PyObject* name) noexcept {
    // Objects lie at multiples of 16; the multiplication spreads neighbours over the table.
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(name)) >> 4;
    return static_cast<std::size_t>(address * 0x9E3779B97F4A7C15U >> (64 - kSlotBits));
  }

  std::array<Entry, std::size_t{1} << kSlotBits> entries_{};
};

}  // namespace wb::python
