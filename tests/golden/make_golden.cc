// Makes the golden journals of the present format version: make_golden DIRECTORY. Run by hand for a new version only;
// golden files that are there never change.
#include <cmath>
#include <cstdio>

#include "tests/schema/journal_builder.h"

namespace wb {
namespace {

/// One golden journal: a directory of runs with one run in it.
class Golden {
 public:
  Golden(const std::string& root, const std::string& name) : builder_(static_cast<unsigned char>(name[0])) {
    directory_ = root + "/" + name + "/" + name;
    std::filesystem::create_directories(directory_);
    run_id_ = name;
    builder_.map(Kind::kRun, run_fields());
  }

  JournalBuilder& builder() { return builder_; }
  std::string path(std::uint32_t number, FileKind kind) const {
    return directory_ + "/" + journal_file(journal_stem(run_id_, 2, 1, builder_.uuid()), number, kind);
  }
  std::vector<Metric> run_fields() const {
    return {{"run_id", std::string_view(run_id_)},
            {"project", "golden"},
            {"group", "g/1"},
            {"rank", 2},
            {"world_size", 4},
            {"attempt", 1},
            {"tags", Value::json(R"(["a","ä"])")},
            {"start_mono_ns", std::int64_t{1'000'000'000}},
            {"start_wall_us", std::int64_t{1'700'000'001'000'000}}};
  }
  void end(std::int32_t exit_code) {
    builder_.finish(exit_code);
    builder_.tail_end(true);
  }

 private:
  JournalBuilder builder_;
  std::string directory_;
  std::string run_id_;
};

// Every type of value and its extremes, in few rows.
void add_values(JournalBuilder& builder) {
  const std::uint32_t key = builder.key("value");
  const std::uint32_t odd = builder.key("odd name \"\\\n\xC3\xA4");
  const Value values[] = {Value(0.1),
                          Value(-0.0),
                          Value(3.0),
                          Value(1e300),
                          Value::of(ValueType::kFloat64, 1),
                          Value::of(ValueType::kFloat64, 0x7FF800000000BEEF),
                          Value::of(ValueType::kFloat64, 0x7FF0000000000000),
                          Value::of(ValueType::kFloat64, 0xFFF0000000000000),
                          Value(std::int64_t{INT64_MIN}),
                          Value(std::int64_t{INT64_MAX}),
                          Value(std::uint64_t{UINT64_MAX}),
                          Value(true),
                          Value(false),
                          Value::null(),
                          Value(std::string_view("text \xE2\x82\xAC \x01")),
                          Value(std::string_view()),
                          Value::json(R"({"a":[1,2.5,NaN,-Infinity],"b":null})")};
  std::int64_t step = 0;
  for (const Value& value : values) {
    if (value.is_text()) {
      const std::string text(value.text());
      builder.row(step++,
                  {{key, value.type() == ValueType::kJson ? TestValue::json(text) : TestValue(text)}, {odd, 1}});
    } else {
      builder.row(step++, {{key, value}, {odd, 0.5}}, kRowCommit | kRowExplicitStep);
    }
  }
  builder.row(step, {});
}

// All other kinds of records, and rows in parts and out of order.
void add_kinds(JournalBuilder& builder) {
  const std::uint32_t a = builder.key("a");
  const std::uint32_t b = builder.key("b");
  builder.map(Kind::kConfig, {{"lr", 0.001}, {"layers", 3}, {"model", Value::json(R"({"name":"m","wide":true})")}});
  builder.map(Kind::kMetric, {{"name", "a"}, {"summary", "min,max"}, {"hidden", false}});
  builder.row(0, {{a, 1.0}}, 0);
  builder.row(0, {{b, 2.0}}, kRowCommit);
  builder.row(5, {{a, 3.0}}, kRowExplicitStep);
  builder.row(2, {{a, 4.0}}, kRowCommit | kRowExplicitStep | kRowOutOfOrder);
  builder.heartbeat();
  builder.map(Kind::kGap, {{"count", 3},
                           {"first_step", 6},
                           {"last_step", 8},
                           {"mono_ns", std::int64_t{2'000'000'000}},
                           {"wall_offset_us", std::int64_t{1'700'000'000'000'000}}});
  builder.map(Kind::kSummary, {{"best", 0.25}, {"gone", Value::removed()}});
  builder.map(Kind::kSignal, {{"signal", 15}, {"sender_pid", 77}, {"sender_uid", 1000}});
  builder.map(Kind::kDeath, {{"reason", "killed"}, {"signal", 9}});
}

// Enough rows of some shapes for blocks of every column codec.
void add_many_rows(JournalBuilder& builder, int count) {
  const std::uint32_t loss = builder.key("loss");
  const std::uint32_t epoch = builder.key("epoch");
  const std::uint32_t phase = builder.key("phase");
  const std::uint32_t seen = builder.key("seen");
  for (int i = 0; i < count; ++i) {
    builder.row(i, {{loss, 1.0 / (3 + i)}, {epoch, i / 50}, {seen, Value(std::int64_t{i} * 1'000'003)}});
    if (i % 2 == 0) builder.row(i, {{phase, std::string(i % 4 == 0 ? "train" : "evaluate")}, {loss, 2.0}});
    if (i % 25 == 0) builder.heartbeat();
  }
}

// A column of each codec, with exceptions, and differences of every order.
void add_columns(JournalBuilder& builder, int count) {
  const std::uint32_t wave = builder.key("wave"), norm = builder.key("norm"), accuracy = builder.key("accuracy");
  const std::uint32_t seen = builder.key("seen"), signs = builder.key("signs"), noise = builder.key("noise");
  std::uint64_t random = 1;
  for (int i = 0; i < count; ++i) {
    random = random * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    const double odd = static_cast<double>(random >> 40) / 16'777'216 - 0.5;
    const double power = 1e-3 * (i + 1) * (i + 2) * (i + 3);
    const double norms = i % 97 == 5 ? 1e-42 * i : static_cast<double>(static_cast<float>(std::exp(8 * odd)));
    const Value normed = i == 40   ? Value::of(ValueType::kFloat64, 0xFFF00000DEADBEEF)
                         : i == 41 ? Value::of(ValueType::kFloat64, 0x7FF4000000000000)
                                   : Value(norms);
    builder.row(i, {{wave, power},
                    {norm, normed},
                    {accuracy, i == 17 ? -0.0 : static_cast<double>(random >> 55) / 600},
                    {seen, Value(std::int64_t{i} * i * 1'000'003)},
                    {signs, i % 3 == 0 ? -0.0 : i % 3 * 0.1},
                    {noise, Value::of(ValueType::kFloat64, random)}});
  }
}

// Rows of many shapes: some keys in nearly every row, some in a few, one in one, and a row without any.
void add_mixed(JournalBuilder& builder, int count) {
  std::vector<std::uint32_t> keys;
  for (int i = 0; i < 9; ++i) keys.push_back(builder.key("key/" + std::to_string(i)));
  std::uint64_t random = 1;
  for (int i = 0; i < count; ++i) {
    random = random * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    std::vector<std::pair<std::uint32_t, TestValue>> metrics;
    for (std::size_t key = 0; key < keys.size(); ++key) {
      const std::uint64_t chance = random >> (20 + 4 * key) & 15;
      if (chance < 15 - 2 * key) {
        metrics.push_back({keys[key], key == 3   ? TestValue(Value(std::int64_t{-1000} * i))
                                      : key == 5 ? TestValue(Value(chance > 3))
                                      : key == 7 ? TestValue(Value())
                                                 : TestValue(i % 11 == 2 ? -0.0 : static_cast<double>(chance) / 7)});
      }
    }
    if (i == 60) metrics = {{keys[8], Value::of(ValueType::kFloat64, 0x7FF4000000000001)}};
    if (i == 61) metrics.clear();
    builder.row(i, metrics);
  }
}

void make_all(const std::string& root) {
  {
    Golden golden(root, "mixed");
    add_mixed(golden.builder(), 120);
    golden.end(0);
    golden.builder().write_segment(golden.path(0, FileKind::kSegment));
  }
  {
    Golden golden(root, "columns");
    add_columns(golden.builder(), 400);
    golden.end(0);
    golden.builder().write_segment(golden.path(0, FileKind::kSegment));
  }
  {
    Golden golden(root, "values");
    add_values(golden.builder());
    golden.end(0);
    write_file(golden.path(0, FileKind::kTail), golden.builder().tail());
  }
  {
    Golden golden(root, "sealed_values");
    add_values(golden.builder());
    golden.end(3);
    golden.builder().write_segment(golden.path(0, FileKind::kSegment));
  }
  {
    Golden golden(root, "kinds");
    add_kinds(golden.builder());
    golden.builder().tail_end(true);
    write_file(golden.path(0, FileKind::kTail), golden.builder().tail());
  }
  {
    Golden golden(root, "blocks");
    add_many_rows(golden.builder(), 300);
    golden.end(0);
    golden.builder().write_segment(golden.path(0, FileKind::kSegment));
  }
  {
    Golden golden(root, "rotated");
    JournalBuilder& builder = golden.builder();
    add_many_rows(builder, 40);
    builder.tail_end(false);
    const std::size_t first_end = builder.frames().size();
    builder.map(Kind::kSnapshot, golden.run_fields());
    std::vector<std::byte> key(key_record_bytes("loss"));
    encode_key(key.data(), 0, "loss");
    builder.add_keeper(Kind::kKeySnapshot, key);
    builder.row(40, {{0, 0.5}});
    golden.end(0);
    builder.write_segment(golden.path(0, FileKind::kSegment), 0, 0, first_end);
    write_file(golden.path(1, FileKind::kTail), builder.tail(1, first_end));
  }
  {
    Golden golden(root, "cut");
    golden.builder().row(0, {{golden.builder().key("loss"), 0.5}});
    golden.builder().row(1, {{0, 0.25}});
    std::vector<std::byte> bytes = golden.builder().tail();
    bytes.resize(bytes.size() - 13);
    write_file(golden.path(0, FileKind::kTail), bytes);
  }
}

}  // namespace
}  // namespace wb

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_golden DIRECTORY\n");
    return 2;
  }
  wb::make_all(argv[1]);
  return testing::Test::HasFailure() ? 1 : 0;
}
