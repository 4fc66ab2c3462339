// Summary fold: the statistics of each key and the kinds that define_metric asks for.
#include "sync/summary_fold.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "sync/json.h"
#include "sync/number.h"

namespace wb {
namespace {

std::string field(const std::map<std::string, std::string>& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

bool matches(std::string_view pattern, std::string_view key) {
  if (!pattern.ends_with('*')) return pattern == key;
  return key.starts_with(pattern.substr(0, pattern.size() - 1));
}

using Definitions = std::vector<std::map<std::string, std::string>>;

const std::map<std::string, std::string>* definition_of(const Definitions& definitions, const std::string& key) {
  const std::map<std::string, std::string>* glob = nullptr;
  for (auto at = definitions.rbegin(); at != definitions.rend(); ++at) {
    const std::string name = field(*at, "name");
    if (!matches(name, key)) continue;
    if (!name.ends_with('*')) return &*at;
    if (glob == nullptr) glob = &*at;
  }
  return glob;
}

bool has_kind(std::string_view kinds, std::string_view kind) {
  while (!kinds.empty()) {
    const std::size_t end = std::min(kinds.find(','), kinds.size());
    std::string_view one = kinds.substr(0, end);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == kind) return true;
    kinds.remove_prefix(std::min(end + 1, kinds.size()));
  }
  return false;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += out.empty() ? "{" : ",";
  append_json_string(out, name);
  out += ':';
  out += text;
}

}  // namespace

std::size_t SummaryFold::place_of(std::string_view key) {
  const auto known = places_.find(key);
  if (known != places_.end()) return known->second;
  entries_.emplace_back();
  places_.emplace(key, entries_.size() - 1);
  return entries_.size() - 1;
}

void SummaryFold::log(std::size_t place, const Value& value) {
  if (value.type() == ValueType::kNull || value.type() == ValueType::kRemoved) return;
  Entry& entry = entries_[place];
  if (!entry.present) entry.first = json_value(value);
  entry.present = true;
  keep_last(entry, value);
  const std::optional<double> number = number_of(value);
  if (!number || std::isnan(*number)) return;
  entry.min = entry.number_count == 0 ? *number : std::min(entry.min, *number);
  entry.max = entry.number_count == 0 ? *number : std::max(entry.max, *number);
  entry.sum += *number;
  ++entry.number_count;
}

void SummaryFold::set(std::string_view key, const Value& value) {
  Entry& entry = entries_[place_of(key)];
  if (value.type() == ValueType::kRemoved) {
    entry = {};
    return;
  }
  entry.present = true;
  entry.explicit_value = true;
  keep_last(entry, value);
}

void SummaryFold::keep_last(Entry& entry, const Value& value) {
  if (value.is_text()) {
    entry.last = Value::of(value.type(), 0);
    entry.last_text = value.text();
  } else {
    entry.last = value;
  }
}

std::string SummaryFold::last_json(const Entry& entry) {
  switch (entry.last.type()) {
    case ValueType::kString:
      return json_value(Value(entry.last_text));
    case ValueType::kJson:
      return json_value(Value::json(entry.last_text));
    default:
      return json_value(entry.last);
  }
}

std::string SummaryFold::with_kinds(const Entry& entry, const std::map<std::string, std::string>& definition) {
  const std::string kinds = field(definition, "summary");
  const auto wants = [&](std::string_view kind) { return has_kind(kinds, kind); };
  std::string out;
  if (entry.number_count > 0) {
    if (wants("min")) append_member(out, "min", json_value(entry.min));
    if (wants("max")) append_member(out, "max", json_value(entry.max));
    if (wants("mean")) append_member(out, "mean", json_value(entry.sum / static_cast<double>(entry.number_count)));
    if (wants("best")) {
      append_member(out, "best", json_value(field(definition, "goal") == "maximize" ? entry.max : entry.min));
    }
  }
  if (wants("last")) append_member(out, "last", last_json(entry));
  if (wants("first")) append_member(out, "first", entry.first);
  // Only "copy", or only statistics of a key that never was a number: the plain value.
  return out.empty() ? last_json(entry) : out + "}";
}

std::map<std::string, std::string> SummaryFold::finish(const Definitions& definitions) const {
  std::map<std::string, std::string> summary;
  for (const auto& [key, place] : places_) {
    const Entry& entry = entries_[place];
    if (!entry.present) continue;
    const std::map<std::string, std::string>* definition = definition_of(definitions, key);
    if (definition != nullptr && has_kind(field(*definition, "summary"), "none")) continue;
    const bool plain = definition == nullptr || entry.explicit_value;
    summary.emplace(key, plain ? last_json(entry) : with_kinds(entry, *definition));
  }
  return summary;
}

}  // namespace wb
