// Line: names first, then bytes.
#include "sync/line.h"

#include <unordered_map>

#include "sync/json.h"

namespace wb {
namespace {

std::string wire_name(std::string name) {
  return name == "_step" || name == "wb/step" ? "user/" + name : name;
}

void append_name(std::string& line, std::string_view name) {
  line += line.empty() ? '{' : ',';
  append_json_string(line, name);
  line += ':';
}

const Row& head_row(const RowMerge& merge, std::size_t member) {
  return merge.cursors()[member].head()->row;
}

/// One journal: every key once, nothing to resolve.
std::vector<LineField> fields_of_one(const RowMerge& merge, std::size_t member) {
  std::vector<LineField> fields;
  const Row& row = head_row(merge, member);
  const KeyTable& keys = merge.cursors()[member].journal().keys;
  fields.reserve(row.cells.size());
  for (const Cell& cell : row.cells) {
    std::string name = wire_name(keys.name(cell.key_index));
    if (!name.empty()) fields.push_back({std::move(name), row.value(cell)});
  }
  return fields;
}

struct Origin {
  const JournalModel* journal;
  Value value;
};

}  // namespace

LineClock line_clock(const RowMerge& merge, const RowGroup& group) {
  const Timestamp* newest = nullptr;
  const JournalModel* journal = nullptr;
  for (const std::size_t member : group.members) {
    const Row& row = head_row(merge, member);
    if (newest != nullptr && row.time.wall_us() <= newest->wall_us()) continue;
    newest = &row.time;
    journal = &merge.cursors()[member].journal();
  }
  return {.timestamp_s = static_cast<double>(newest->wall_us()) / 1e6,
          .runtime_s = static_cast<double>(newest->mono_ns - journal->start.mono_ns) / 1e9};
}

std::vector<LineField> line_fields(const RowMerge& merge, const RowGroup& group) {
  if (group.members.size() == 1) return fields_of_one(merge, group.members.front());
  std::vector<std::string> order;
  std::unordered_map<std::string, std::vector<Origin>> origins;
  for (const std::size_t member : group.members) {
    const JournalModel& journal = merge.cursors()[member].journal();
    for (LineField& field : fields_of_one(merge, member)) {
      std::vector<Origin>& same_key = origins[field.name];
      if (same_key.empty()) order.push_back(field.name);
      same_key.push_back({&journal, field.value});
    }
  }
  std::vector<LineField> fields;
  for (const std::string& name : order) {
    const std::vector<Origin>& same_key = origins[name];
    std::vector<const JournalModel*> journals;
    for (const Origin& origin : same_key) journals.push_back(origin.journal);
    for (const Origin& origin : same_key) {
      std::string full_name = name + origin_suffix(*origin.journal, journals);
      // A program may log such a name itself; its own value then stays where it is.
      while (full_name != name && origins.contains(full_name)) full_name += "'";
      fields.push_back({std::move(full_name), origin.value});
    }
  }
  return fields;
}

std::string encode_line(const RowMerge& merge, const RowGroup& group, std::int64_t last_step) {
  std::string line;
  bool has_timestamp = false, has_runtime = false;
  for (const LineField& field : line_fields(merge, group)) {
    has_timestamp |= field.name == "_timestamp";
    has_runtime |= field.name == "_runtime";
    append_name(line, field.name);
    append_json_value(line, field.value);
  }
  const LineClock clock = line_clock(merge, group);
  append_name(line, "_step");
  append_json_int(line, next_wire_step(last_step, group.step));
  if (!has_timestamp) {
    append_name(line, "_timestamp");
    append_json_double(line, clock.timestamp_s);
  }
  if (!has_runtime) {
    append_name(line, "_runtime");
    append_json_double(line, clock.runtime_s);
  }
  if (group.step <= last_step) {
    append_name(line, "wb/step");
    append_json_int(line, group.step);
  }
  line += '}';
  return line;
}

}  // namespace wb
