// RunCore: the way of a dict into a row.
#include "run_core.h"

#include <chrono>
#include <memory>
#include <utility>

#include "interpreter_end.h"
#include "options.h"

namespace wb::python {

namespace nb = nanobind;

namespace {

LogOptions read_log_options(nb::handle step, nb::handle commit) {
  LogOptions options;
  if (!step.is_none()) {
    // int() takes what wandb's callers pass: ints, numpy integers, integral floats, tensors of one element.
    const nb::object number = PyLong_Check(step.ptr())
                                  ? nb::borrow(step)
                                  : nb::steal(call_python([step] { return PyNumber_Long(step.ptr()); }));
    if (!number.is_valid()) nb::raise_python_error();
    options.step = PyLong_AsLongLong(number.ptr());
    if (*options.step == -1 && PyErr_Occurred() != nullptr) nb::raise_python_error();
  }
  if (!commit.is_none()) {
    const int truth = call_python([commit] { return PyObject_IsTrue(commit.ptr()); });
    if (truth < 0) nb::raise_python_error();
    options.commit = truth == 1;
  }
  return options;
}

/// The dict itself, or a dict of another mapping. Throws TypeError as wandb does.
nb::object as_dict(nb::handle data) {
  if (PyDict_Check(data.ptr())) return nb::borrow(data);
  const int has_keys = call_python([data] { return PyObject_HasAttrString(data.ptr(), "keys"); });
  if (has_keys == 0 || PyMapping_Check(data.ptr()) == 0) {
    throw nb::type_error("wandb.log must be passed a dictionary");
  }
  nb::dict copy;
  if (call_python([&] { return PyDict_Update(copy.ptr(), data.ptr()); }) != 0) nb::raise_python_error();
  return copy;
}

/// Calls a method of the Python object; `format` as for Py_BuildValue.
template <typename... Arguments>
nb::object call_method(nb::handle self, const char* name, const char* format, Arguments... arguments) {
  nb::object result =
      nb::steal(call_python([=] { return PyObject_CallMethod(self.ptr(), name, format, arguments...); }));
  if (!result.is_valid()) nb::raise_python_error();
  return result;
}

}  // namespace

RunCore::~RunCore() {
  if (open_run_ != nullptr) OpenRuns::instance().release(open_run_);
}

void RunCore::open(const nb::dict& options) {
  const Options native = read_options(options);
  auto opened = without_gil([&] { return Run::open(native); });
  if (!opened.ok()) throw StatusError{opened.status()};
  open_run_ = OpenRuns::instance().add(std::move(opened).value());
}

Run& RunCore::run() const {
  if (open_run_ == nullptr) throw StatusError{Status(Code::kClosed, "no run is open")};
  return *open_run_->run;
}

bool RunCore::log(nb::handle self, nb::handle data, nb::handle step, nb::handle commit) {
  nb::object dict = as_dict(data);
  if (!is_open() && !call_method(self, "_ready", "s", "log").is(nb::handle(Py_True))) return false;
  const LogOptions options = read_log_options(step, commit);
  if (options.step && *options.step < run().step()) {
    call_method(self, "_warn_step", "LL", static_cast<long long>(*options.step), static_cast<long long>(run().step()));
  }

  // The buffers are taken out for the call: a conversion may run Python code that logs again.
  Row row = std::exchange(spare_row_, Row{});
  bool accepted = false;
  if (gather(dict, row)) {
    accepted = run().log(std::span<const KeyMetric>(row.metrics), options);
    if (accepted) remember(row);
  } else {
    accepted = log_by_name(dict, options);
  }
  if (!accepted) call_method(self, "_warn_dropped", nullptr);
  if (!row.bad_name.empty()) call_method(self, "_warn_name", "s", row.bad_name.c_str());
  row.clear();
  spare_row_ = std::move(row);
  return accepted;
}

void RunCore::Row::clear() {
  metrics.clear();
  names.clear();
  objects.clear();
  keep.clear();
  bad_name.clear();
}

bool RunCore::gather(nb::object& dict, Row& row) {
  bool is_copy = false;
  Py_ssize_t position = 0;
  PyObject* name = nullptr;
  PyObject* object = nullptr;
  while (PyDict_Next(dict.ptr(), &position, &name, &object) != 0) {
    if (!PyUnicode_Check(name)) throw nb::type_error("Key values passed to `wandb.log` must be strings.");
    const Key* const cached = keys_.find(name);
    if (cached != nullptr && PyFloat_CheckExact(object)) {  // Nearly every metric.
      row.add(*cached, PyFloat_AsDouble(object), name, object);
      continue;
    }
    ValueReader::Reading reading;
    if (!reader_.read_plain(object, row.keep, reading)) {
      if (!is_copy) {
        // A conversion runs Python code, which may change the program's dict: start again in a copy.
        dict = nb::steal(PyDict_Copy(dict.ptr()));
        if (!dict.is_valid()) nb::raise_python_error();
        is_copy = true;
        position = 0;
        row.clear();
        continue;
      }
      reading = reader_.read(object, row.keep);
    }
    Key key;
    if (const Key* const known = keys_.find(name)) {  // A conversion may have changed the cache.
      key = *known;
    } else {
      const std::string_view text = text_of(name, row.keep);
      if (text.empty()) continue;  // As wandb: a metric without a name is left out.
      const Result<Key> interned = run().key(text);
      if (!interned.ok() && interned.status().code() == Code::kFull) return false;
      if (!interned.ok()) {
        row.bad_name = interned.status().message();
        continue;
      }
      key = interned.value();
      keys_.insert(name, key);
    }
    row.add(key, reading.value, name, reading.object);
  }
  return true;
}

bool RunCore::log_by_name(nb::handle dict, const LogOptions& options) {
  std::vector<nb::object> keep;
  std::vector<Metric> metrics;
  for (auto [name, object] : nb::borrow<nb::dict>(dict)) {
    if (!PyUnicode_Check(name.ptr())) throw nb::type_error("Key values passed to `wandb.log` must be strings.");
    const std::string_view text = text_of(name.ptr(), keep);
    if (!text.empty()) metrics.push_back({text, reader_.read(object.ptr(), keep).value});
  }
  return run().log(std::span<const Metric>(metrics), options);
}

void RunCore::remember(const Row& row) {
  for (std::size_t i = 0; i < row.metrics.size(); ++i) {
    if (row.objects[i] == Py_None) continue;  // As wandb: None does not enter the summary.
    const std::uint32_t index = row.metrics[i].key.index;
    if (index >= last_values_.size()) last_values_.resize(index + 1);
    LastValue& last = last_values_[index];
    if (!last.name.is_valid()) last.name = nb::borrow(row.names[i]);
    last.value = nb::borrow(row.objects[i]);
  }
}

nb::dict RunCore::last_values() const {
  nb::dict values;
  for (const LastValue& last : last_values_) {
    if (last.name.is_valid()) values[last.name] = last.value;
  }
  return values;
}

void RunCore::forget_last(std::string_view name) {
  std::vector<nb::object> keep;
  for (LastValue& last : last_values_) {
    if (last.name.is_valid() && text_of(last.name.ptr(), keep) == name) last = LastValue{};
  }
}

Status RunCore::update(const nb::dict& values, Status (Run::*method)(std::span<const Metric>) noexcept) {
  std::vector<nb::object> keep;
  std::vector<Metric> metrics;
  for (auto [name, object] : values) {
    const bool removed = object.is(nb::handle(Py_Ellipsis));
    const Value value = removed ? Value::removed() : reader_.read(object.ptr(), keep).value;
    metrics.push_back({text_of(name.ptr(), keep), value});
  }
  return (run().*method)(metrics);
}

Status RunCore::flush(double timeout_s) {
  Run& target = run();
  const std::chrono::milliseconds timeout(static_cast<std::int64_t>(timeout_s * 1e3));
  return without_gil([&] { return target.flush(timeout); });
}

Status RunCore::finish(std::int32_t exit_code) {
  Run& target = run();
  if (std::exchange(open_run_->finished, true)) return {};
  const Status status = without_gil([&] { return target.finish(exit_code); });
  if (status.code() == Code::kFull) open_run_->finished = false;  // Tried again when the process exits.
  return status;
}

}  // namespace wb::python
