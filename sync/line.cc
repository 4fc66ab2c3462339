// Line: the values, then the members that wbsync adds.
#include "sync/line.h"

#include "sync/json.h"

namespace wb {
namespace {

constexpr std::size_t kValueBytesGuess = 24;  // Of a number and its comma: a line is allocated once.

void append_name(std::string& line, std::string_view name) {
  line += line.empty() ? '{' : ',';
  append_json_string(line, name);
  line += ':';
}

std::string with_room(std::span<const LineField> fields) {
  std::size_t bytes = 6 * kValueBytesGuess;
  for (const LineField& field : fields) bytes += field.name->member.size() + kValueBytesGuess;
  std::string line;
  line.reserve(bytes);
  return line;
}

}  // namespace

LineClock line_clock(const RowMerge& merge, const RowGroup& group) {
  const Timestamp* newest = nullptr;
  const JournalModel* journal = nullptr;
  for (const std::size_t member : group.members) {
    const JournalCursor& cursor = merge.cursors()[member];
    const Timestamp& time = cursor.head()->row.time;
    if (newest != nullptr && time.wall_us() <= newest->wall_us()) continue;
    newest = &time;
    journal = &cursor.journal();
  }
  return {.timestamp_s = static_cast<double>(newest->wall_us()) / 1e6,
          .runtime_s = static_cast<double>(newest->mono_ns - journal->start.mono_ns) / 1e9};
}

std::string encode_line(const RowMerge& merge, const RowGroup& group, std::int64_t last_step, LineFields& fields) {
  const std::span<const LineField> values = fields.of(merge, group);
  std::string line = with_room(values);
  bool has_timestamp = false, has_runtime = false;
  for (const LineField& field : values) {
    const std::string_view name = field.name->text;
    has_timestamp |= name == "_timestamp";
    has_runtime |= name == "_runtime";
    line += line.empty() ? '{' : ',';
    line += field.name->member;
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
