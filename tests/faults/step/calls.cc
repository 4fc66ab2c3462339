// The programs: every shape of record, and every way in which a call can meet the ring.
#include "tests/faults/step/calls.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "schema/limits.h"
#include "schema/record.h"

namespace wb::test {
namespace {

constexpr int kCalls = 40;

/// Any float64; of a NaN too each bit is kept.
double any_double(Random& random) {
  return std::bit_cast<double>(random());
}

std::string any_text(Random& random, std::size_t bytes) {
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string any_name(Random& random, std::size_t number, std::size_t bytes) {
  std::string name = std::to_string(number);
  name += '/';
  while (name.size() < bytes) name += static_cast<char>('a' + random() % 26);
  return name;
}

Program one_float(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) program.log({{"loss", any_double(random)}});
  return program;
}

Program ten_floats(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    std::vector<Metric> row;
    for (int k = 0; k < 10; ++k) row.push_back({program.text("train/metric_" + std::to_string(k)), any_double(random)});
    program.log(std::move(row));
  }
  return program;
}

Program every_scalar(Random& random) {
  constexpr std::uint64_t kQuietNan = 0x7FF8'0000'0000'0000;
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    program.log({{"int64", static_cast<std::int64_t>(random())},
                 {"uint64", static_cast<std::uint64_t>(random())},
                 {"bool", random() % 2 == 0},
                 {"null", Value::null()},
                 {"nan", Value::of(ValueType::kFloat64, kQuietNan | random() >> 13)},
                 {"zero", -0.0},
                 {"infinity", -std::numeric_limits<double>::infinity()},
                 {"denormal", std::bit_cast<double>(random() >> 12)}});
  }
  return program;
}

Program strings(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    const std::size_t bytes = i % 8 == 7 ? 1'000 + random() % 5'000 : random() % 200;
    program.log({{"first", program.text(any_text(random, bytes))},
                 {"empty", std::string_view()},
                 {"loss", any_double(random)},
                 {"last", program.text(any_text(random, random() % 20))}});
  }
  return program;
}

Program json_values(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    const std::string list = "[NaN,{\"a\":" + std::to_string(random()) + "},-Infinity]";
    program.log({{"table", Value::json(program.text(list))}, {"step", static_cast<std::int64_t>(i)}});
  }
  return program;
}

Program steps_in_any_order(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    LogOptions options;
    if (random() % 4 != 0) options.step = static_cast<std::int64_t>(random() % 50);
    if (random() % 3 == 0) options.commit = random() % 2 == 0;
    program.log({{"loss", any_double(random)}}, options);
  }
  return program;
}

Program open_parts(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    const bool is_last = i % 3 == 2;
    program.log({{program.text("part_" + std::to_string(i % 3)), any_double(random)}}, {.step = {}, .commit = is_last});
  }
  return program;
}

Program rows_in_parts(Random& random) {
  Program program;
  program.window_bytes = 256 * 1024;
  program.recovery_rate = 256;
  for (int i = 0; i < 4; ++i) {
    std::vector<Metric> row;
    for (int k = 0; k < 5; ++k) {
      row.push_back(
          {program.text("text_" + std::to_string(k)), program.text(any_text(random, 9'000 + random() % 20'000))});
      row.push_back({program.text("number_" + std::to_string(k)), any_double(random)});
    }
    program.log({{"loss", any_double(random)}});
    program.log(std::move(row)).drain_first = true;
  }
  return program;
}

Program new_keys(Random& random) {
  Program program;
  std::size_t key_count = 0;
  for (int i = 0; i < kCalls; ++i) {
    std::vector<Metric> row = {{"known", any_double(random)}};
    for (std::size_t k = random() % 4; k > 0; --k) {
      row.push_back({program.text(any_name(random, key_count++, 1 + random() % 60)), any_double(random)});
    }
    program.log(std::move(row));
  }
  return program;
}

std::vector<Metric> wide_row(Program& program, Random& random, std::size_t key_count) {
  std::vector<Metric> row;
  for (std::size_t k = 0; k < key_count; ++k) {
    row.push_back({program.text("layer_" + std::to_string(k) + "/norm"), any_double(random)});
  }
  return row;
}

Program thousand_keys(Random& random) {
  Program program;
  program.window_bytes = 96 * 1024;
  program.recovery_rate = 256;
  program.log(wide_row(program, random, 1'000)).pace = Call::Pace::kFast;
  program.log(wide_row(program, random, 1'000)).drain_first = true;
  program.log(wide_row(program, random, 1'030));  // The first use of thirty.
  for (int i = 0; i < 4; ++i) program.log(wide_row(program, random, 1'030)).drain_first = true;
  return program;
}

Program wide_sparse(Random& random) {
  constexpr std::size_t kKeys = 2'000;
  Program program;
  program.log(wide_row(program, random, kKeys)).pace = Call::Pace::kFast;
  for (int i = 0; i < kCalls; ++i) {
    std::vector<std::size_t> keys;
    while (keys.size() < 8) {
      const std::size_t key = random() % kKeys;
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    std::vector<Metric> row;
    for (const std::size_t key : keys) row.push_back({program.calls[0].metrics[key].name, any_double(random)});
    program.log(std::move(row)).drain_first = i == 0;
  }
  return program;
}

Program key_handles(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    const std::string_view name = program.text(any_name(random, static_cast<std::size_t>(i), 1 + random() % 40));
    program.call(Call::Kind::kKey).metrics = {{name, Value::null()}};
    for (int k = 0; k < 3; ++k) {
      Call& log = program.call(Call::Kind::kLogKeys);
      log.metrics = {{name, any_double(random)}, {program.calls[0].metrics[0].name, static_cast<std::int64_t>(k)}};
      if (i == 0) log.metrics.pop_back();
    }
  }
  return program;
}

Program summaries(Random& random) {
  Program program;
  for (int i = 0; i < kCalls; ++i) {
    program.log({{"loss", any_double(random)}}).pace = Call::Pace::kFast;
    program.call(Call::Kind::kSummary).metrics = {{"best", any_double(random)},
                                                  {"note", program.text(any_text(random, random() % 60))},
                                                  {"old", Value::removed()}};
  }
  return program;
}

/// Rows of up to 4 KiB, stepped where one goes over the ring's end or begins at its start.
Program ring_wrap(Random& random) {
  Program program;
  program.recovery_rate = 32;
  for (int i = 0; i < 16; ++i) {
    Call& filler = program.log({{"filler", program.text(any_text(random, 60'000))}});
    filler.pace = Call::Pace::kFast;
    filler.drain_first = i % 4 == 3;
  }
  for (int i = 0; i < 120; ++i) {
    Call& row = program.log({{"loss", any_double(random)}, {"text", program.text(any_text(random, random() % 4'000))}});
    row.pace = Call::Pace::kNearWrap;
    row.drain_first = i == 0;
  }
  return program;
}

/// Fills the ring until rows are dropped, makes room, and logs on.
Program full_ring(Random& random) {
  Program program;
  program.window_bytes = 64 * 1024;
  for (int i = 0; i < 16; ++i) {
    program.log({{"filler", program.text(any_text(random, 60'000))}}).pace = Call::Pace::kFast;
  }
  for (int i = 0; i < 60; ++i) {
    Call& row = program.log({{"loss", any_double(random)}, {"text", program.text(any_text(random, 1'000))}});
    row.pace = i % 8 == 7 || i > 50 ? Call::Pace::kStepped : Call::Pace::kFast;
  }
  program.log({{"loss", any_double(random)}, {"a new key", any_double(random)}});
  for (int i = 0; i < 10; ++i) program.log({{"loss", any_double(random)}}).drain_first = i == 0 || i == 5;
  return program;
}

Program flushes(Random& random) {
  Program program;
  for (int i = 0; i < 20; ++i) {
    program.log({{"loss", any_double(random)}}).pace = Call::Pace::kFast;
    program.call(Call::Kind::kFlush);
  }
  return program;
}

Program finishes(Random& random) {
  Program program;
  for (std::size_t i = random() % 8; i > 0; --i) program.log({{"loss", any_double(random)}}).pace = Call::Pace::kFast;
  program.call(Call::Kind::kFinish);
  program.log({{"loss", any_double(random)}});  // After the finish: refused, and counted apart.
  return program;
}

}  // namespace

Call& Program::log(std::vector<Metric> metrics, LogOptions options) {
  Call& added = call(Call::Kind::kLog);
  added.metrics = std::move(metrics);
  added.options = options;
  // As wb/run.h and FORMAT.md say, not as the producer does it.
  std::int64_t current = 0;
  for (const Call& before : calls) {
    if (&before == &added || !before.is_row() || (before.flags & kRowOutOfOrder) != 0) continue;
    current = before.step + ((before.flags & kRowCommit) != 0 ? 1 : 0);
  }
  added.step = options.step.value_or(current);
  const bool is_late = added.step < current;
  if (options.step) added.flags |= kRowExplicitStep;
  if (is_late) added.flags |= kRowOutOfOrder;
  if (is_late || options.commit.value_or(!options.step)) added.flags |= kRowCommit;
  return added;
}

Call& Program::call(Call::Kind kind) {
  std::int64_t step = 0;
  for (const Call& before : calls) step += before.kind == Call::Kind::kLogKeys ? 1 : 0;
  Call& added = calls.emplace_back();
  added.kind = kind;
  if (kind == Call::Kind::kLogKeys) {
    added.step = step;
    added.flags = kRowCommit;
  }
  return added;
}

std::span<const ProgramMaker> program_makers() {
  static constexpr ProgramMaker kMakers[] = {{"OneFloat", one_float},       {"TenFloats", ten_floats},
                                             {"EveryScalar", every_scalar}, {"Strings", strings},
                                             {"JsonValues", json_values},   {"StepsInAnyOrder", steps_in_any_order},
                                             {"OpenParts", open_parts},     {"RowsInParts", rows_in_parts},
                                             {"NewKeys", new_keys},         {"ThousandKeys", thousand_keys},
                                             {"WideSparse", wide_sparse},   {"KeyHandles", key_handles},
                                             {"Summaries", summaries},      {"RingWrap", ring_wrap},
                                             {"FullRing", full_ring},       {"Flush", flushes},
                                             {"Finish", finishes}};
  return kMakers;
}

}  // namespace wb::test
