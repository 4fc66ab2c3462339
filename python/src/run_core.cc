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

[[noreturn]] void raise_type_error(const char* message) {
  PyErr_SetString(PyExc_TypeError, message);
  nb::raise_python_error();
}

/// A new dict of the mapping, which nobody else changes. Throws TypeError as wandb does.
nb::object copy_of(nb::handle data) {
  nb::object copy;
  if (PyDict_Check(data.ptr())) {
    copy = nb::steal(PyDict_Copy(data.ptr()));
    if (!copy.is_valid()) nb::raise_python_error();
    return copy;
  }
  const int has_keys = call_python([data] { return PyObject_HasAttrString(data.ptr(), "keys"); });
  if (has_keys == 0 || PyMapping_Check(data.ptr()) == 0) raise_type_error("wandb.log must be passed a dictionary");
  copy = nb::dict();
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
  OpenRun* const open_run = open_run_.load(std::memory_order_acquire);
  if (open_run == nullptr) return;
  without_gil([open_run] {  // finish_all() may have the list for as long as a finish takes.
    OpenRuns::instance().release(open_run);
    return true;
  });
}

void RunCore::open(const nb::dict& options) {
  const Options native = read_options(options);
  const Status status = without_gil([&]() -> Status {
    auto opened = Run::open(native);
    if (!opened.ok()) return opened.status();
    open_run_.store(OpenRuns::instance().add(std::move(opened).value()), std::memory_order_release);
    return {};
  });
  if (!status.ok()) throw StatusError{status};
}

bool RunCore::is_open() const noexcept {
  const OpenRun* const open_run = open_run_.load(std::memory_order_acquire);
  return open_run != nullptr && !open_run->finished.load(std::memory_order_relaxed);
}

Run& RunCore::run() const {
  const OpenRun* const open_run = open_run_.load(std::memory_order_acquire);
  if (open_run == nullptr) throw StatusError{Status(Code::kClosed, "no run is open")};
  return *open_run->run;
}

bool RunCore::log_known(const LogCall& call) noexcept {
  LogOptions options;
  if (!PyDict_Check(call.data) || !call.read_plain(options) || !is_open()) return false;
  Run& target = *open_run_.load(std::memory_order_relaxed)->run;
  if (options.step && *options.step < target.step()) return false;
  const nb::ft_lock_guard lock(mutex_);
  const nb::ft_object_guard dict_lock(call.data);
  RowShape* const shape = shapes_.read(call.data);
  if (shape == nullptr || !target.try_log(shape->next(), options)) return false;
  shapes_.accept(*shape);
  return true;
}

void RunCore::log(nb::handle self, const LogCall& call) {
  const nb::object dict = copy_of(call.data);
  if (!is_open() && !call_method(self, "_ready", "s", "log").is(nb::handle(Py_True))) return;
  const LogOptions options = call.read_any();
  if (options.step && *options.step < run().step()) {
    call_method(self, "_warn_step", "LL", static_cast<long long>(*options.step), static_cast<long long>(run().step()));
  }
  Row row;
  const bool accepted = gather(dict, row) ? publish(row.metrics, options) : publish_by_name(dict, options);
  if (accepted) remember(row);
  if (!row.bad_name.empty()) call_method(self, "_warn_name", "s", row.bad_name.c_str());
}

bool RunCore::gather(nb::handle dict, Row& row) {
  const auto count = static_cast<std::size_t>(PyDict_Size(dict.ptr()));
  row.metrics.reserve(count);
  row.names.reserve(count);
  row.objects.reserve(count);
  Py_ssize_t position = 0;
  PyObject* name = nullptr;
  PyObject* object = nullptr;
  while (PyDict_Next(dict.ptr(), &position, &name, &object) != 0) {
    if (!PyUnicode_Check(name)) raise_type_error("Key values passed to `wandb.log` must be strings.");
    const ValueReader::Reading reading = reader_.read(object, row.keep);
    const std::string_view text = text_of(name, row.keep);
    if (text.empty()) continue;  // As wandb: a metric without a name is left out.
    const Result<Key> key = key_of(name, text);
    if (!key.ok() && key.status().code() == Code::kFull) return false;
    if (!key.ok()) {
      row.bad_name = key.status().message();
      continue;
    }
    row.is_plain &= reading.value.type() < ValueType::kString && PyUnicode_CheckExact(name);
    row.metrics.push_back({key.value(), reading.value});
    row.names.push_back(name);
    row.objects.push_back(reading.object);
  }
  return true;
}

Result<Key> RunCore::key_of(PyObject* name, std::string_view text) {
  {
    const nb::ft_lock_guard lock(mutex_);
    if (const Key* const known = keys_.find(name)) return *known;
  }
  Result<Key> key = run().key(text);
  if (key.ok() && PyUnicode_CheckExact(name)) {
    const nb::ft_lock_guard lock(mutex_);
    keys_.insert(name, key.value());
  }
  return key;
}

bool RunCore::publish(std::span<const KeyMetric> metrics, const LogOptions& options) {
  Run& target = run();
  return target.try_log(metrics, options) || without_gil([&] { return target.log(metrics, options); });
}

bool RunCore::publish_by_name(nb::handle dict, const LogOptions& options) {
  std::vector<nb::object> keep;
  std::vector<Metric> metrics;
  for (auto [name, object] : nb::borrow<nb::dict>(dict)) {
    if (!PyUnicode_Check(name.ptr())) raise_type_error("Key values passed to `wandb.log` must be strings.");
    const std::string_view text = text_of(name.ptr(), keep);
    if (!text.empty()) metrics.push_back({text, reader_.read(object.ptr(), keep).value});
  }
  Run& target = run();
  return without_gil([&] { return target.log(std::span<const Metric>(metrics), options); });
}

void RunCore::remember(const Row& row) {
  Released released;  // Before the lock: what a finalizer runs may log again.
  const nb::ft_lock_guard lock(mutex_);
  shapes_.settle(last_values_, released);
  for (std::size_t i = 0; i < row.metrics.size(); ++i) {
    if (row.objects[i] == Py_None) continue;  // As wandb: None does not enter the summary.
    last_values_.set(row.metrics[i].key, row.names[i], row.objects[i], released);
  }
  if (row.is_plain) shapes_.add(row.names, row.metrics);
}

nb::dict RunCore::last_values() {
  Released released;
  std::vector<std::pair<nb::object, nb::object>> items;
  {
    const nb::ft_lock_guard lock(mutex_);
    shapes_.settle(last_values_, released);
    items = last_values_.items();
  }
  nb::dict values;
  for (const auto& [name, value] : items) values[name] = value;
  return values;
}

void RunCore::forget_last(nb::handle name) {
  Released released;
  const nb::ft_lock_guard lock(mutex_);
  shapes_.settle(last_values_, released);
  last_values_.forget(name.ptr(), released);
}

Status RunCore::update(const nb::dict& values, Status (Run::*method)(std::span<const Metric>) noexcept) {
  std::vector<nb::object> keep;
  std::vector<Metric> metrics;
  for (auto [name, object] : values) {
    const bool removed = object.is(nb::handle(Py_Ellipsis));
    const Value value = removed ? Value::removed() : reader_.read(object.ptr(), keep).value;
    metrics.push_back({text_of(name.ptr(), keep), value});
  }
  Run& target = run();
  return without_gil([&] { return (target.*method)(metrics); });
}

Status RunCore::define_metric(const MetricDefinition& definition) {
  Run& target = run();
  return without_gil([&] { return target.define_metric(definition); });
}

Status RunCore::flush(double timeout_s) {
  Run& target = run();
  const std::chrono::milliseconds timeout(static_cast<std::int64_t>(timeout_s * 1e3));
  return without_gil([&] { return target.flush(timeout); });
}

Status RunCore::finish(std::int32_t exit_code) {
  Run& target = run();
  std::atomic<bool>& finished = open_run_.load(std::memory_order_relaxed)->finished;
  if (finished.exchange(true)) return {};
  const Status status = without_gil([&] { return target.finish(exit_code); });
  if (status.code() == Code::kFull) finished = false;  // Tried again when the process exits.
  return status;
}

}  // namespace wb::python
