// Bytes a point of a finished journal, read back and compared bit for bit (promise P4).
//
// Each mix is written twice: `run` goes the whole way (Run, keeper, tail, segment) as fast as the ring takes it, so its
// times between rows are short; `paced` packs the same rows with the times that a loop of 4.7 steps a second would
// have had, which take more room. All files of the run's directory count. With --export FOLDER the paced rows are
// written there, too, for size_peers.py: per row the step and the time in microseconds as int64, then ten float64.
#include <bit>
#include <chrono>
#include <fstream>
#include <thread>

#include "bench/support/arguments.h"
#include "bench/support/bench_run.h"
#include "bench/support/journal_maker.h"
#include "bench/support/scratch.h"
#include "schema/journal/journal_reader.h"
#include "schema/record.h"
#include "wb/run.h"

namespace wb::bench {
namespace {

constexpr char kName[] = "journal_size";
constexpr std::size_t kRowsBetweenFlushes = 8'000;  // They fit into the ring: nothing is dropped.
constexpr std::chrono::seconds kPatience(120);
constexpr std::uint64_t kGapsSeed = 2;
constexpr std::int64_t kFirstRowNs = 1'700'000'000'000'000'000;

struct Size {
  std::uint64_t bytes = 0;
  std::uint64_t points = 0;       // Read back and equal.
  std::uint64_t differences = 0;  // Points that are missing or not equal bit for bit.
  std::uint64_t drops = 0;
};

Result<JournalFiles> only_journal(const std::string& directory) {
  auto journals = list_journals(directory);
  if (!journals.ok()) return journals.status();
  if (journals.value().size() != 1) return Status(Code::kInternal, "not one journal in " + directory);
  return journals.value()[0];
}

// Keys are interned in the order of metric_names(), so that the key's index is the metric's.
Result<Size> read_back(const std::string& directory, const std::vector<Row>& rows) {
  const auto files = only_journal(directory);
  if (!files.ok()) return files.status();
  Size size{.bytes = bytes_below(directory)};
  std::size_t next = 0;
  const auto scan = read_journal(files.value(), 0, [&](const Frame& frame) {
    if (frame.kind != Kind::kRow) return true;
    const auto row = RowView::parse(frame.payload);
    if (!row.ok() || next >= rows.size() || row.value().size() != kMetricCount ||
        row.value().step() != static_cast<std::int64_t>(next)) {
      size.differences += kMetricCount;
      return true;
    }
    for (std::size_t i = 0; i < kMetricCount; ++i) {
      const bool equal = row.value().key_word_at(i) == key_word(static_cast<std::uint32_t>(i), ValueType::kFloat64) &&
                         row.value().value(i).bits() == std::bit_cast<std::uint64_t>(rows[next][i]);
      ++(equal ? size.points : size.differences);
    }
    ++next;
    return true;
  });
  if (!scan.ok()) return scan.status();
  if (!scan.value().damage.empty()) return Status(Code::kCorrupt, scan.value().damage[0].what);
  size.differences += (rows.size() - next) * kMetricCount;
  return size;
}

// Waits until the keeper has sealed the journal: one segment and no tail.
Status await_sealed(const std::string& directory) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto files = only_journal(directory);
    if (files.ok() && files.value().files.size() == 1 && files.value().files[0].kind == FileKind::kSegment) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {Code::kTimeout, "the keeper did not seal " + directory};
}

Result<Size> size_of_run(const std::string& parent, const std::vector<Row>& rows) {
  auto opened = BenchRun::open(parent);
  if (!opened.ok()) return opened.status();
  BenchRun& bench_run = *opened.value();
  Run& run = bench_run.run();
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    if (bench_run.keys()[i].index != i) return Status(Code::kInternal, "keys are not numbered from 0");
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    bench_run.log(rows[r]);
    if (r % kRowsBetweenFlushes != kRowsBetweenFlushes - 1) continue;
    if (const Status flushed = run.flush(kPatience); !flushed.ok()) return flushed;
  }
  const std::uint64_t drops = run.counts().dropped;
  if (const Status finished = bench_run.finish(); !finished.ok()) return finished;
  if (const Status sealed = await_sealed(run.directory()); !sealed.ok()) return sealed;
  auto size = read_back(run.directory(), rows);
  if (size.ok()) size.value().drops = drops;
  return size;
}

Result<Size> size_when_paced(const std::string& directory, const std::vector<Row>& rows) {
  const Uuid journal = uuid_of(1);
  const auto frames = make_tail_frames(journal, "paced", rows, make_gaps_ns(rows.size(), kGapsSeed));
  const std::string path = directory + "/" + journal_file(journal_stem("paced", 0, 0, journal), 0, FileKind::kSegment);
  if (const auto packed = pack_frames(frames, journal, path); !packed.ok()) return packed.status();
  return read_back(directory, rows);
}

Status export_rows(const std::string& path, const std::vector<Row>& rows) {
  const std::vector<std::int64_t> gaps_ns = make_gaps_ns(rows.size(), kGapsSeed);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  std::int64_t time_ns = kFirstRowNs;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    time_ns += gaps_ns[i];
    const std::int64_t head[] = {static_cast<std::int64_t>(i), time_ns / 1000};
    file.write(reinterpret_cast<const char*>(head), sizeof head);
    file.write(reinterpret_cast<const char*>(rows[i].data()), sizeof rows[i]);
  }
  file.close();
  return file ? Status() : Status(Code::kIoError, "cannot write " + path);
}

double bytes_a_point(const Size& size) {
  return static_cast<double>(size.bytes) / static_cast<double>(size.points);
}

JsonLine describe(const Size& size) {
  JsonLine line;
  line.add("bytes_per_point", bytes_a_point(size)).add("bytes", size.bytes).add("points_equal", size.points);
  return line.add("points_different", size.differences).add("drops", size.drops);
}

int benchmark(int count, char** values) {
  Arguments arguments(count, values);
  const auto row_count = static_cast<std::size_t>(arguments.number("rows", 20'000, 500));
  const std::string parent = arguments.text("directory", default_scratch_parent());
  const std::string export_folder = arguments.text("export", "");
  arguments.finish();

  JsonLine line, ratio;
  std::uint64_t drops = 0, differences = 0;
  const struct {
    const char* name;
    Mix mix;
    double promised;
  } kMixes[] = {{"training", Mix::kTraining, 3.0}, {"noise", Mix::kNoise, 5.2}};
  line.add("name", kName).add("promise", "P4");
  for (const auto& [name, mix, promised] : kMixes) {
    const ScratchDirectory run_directory(parent), paced_directory(parent);
    const std::vector<Row> rows = make_rows(mix, row_count, 1);
    const auto run = size_of_run(run_directory.path(), rows);
    if (!run.ok()) return print_failure(kName, run.status().message());
    const auto paced = size_when_paced(paced_directory.path(), rows);
    if (!paced.ok()) return print_failure(kName, paced.status().message());
    if (!export_folder.empty()) {
      const Status exported = export_rows(export_folder + "/" + name + ".rows", rows);
      if (!exported.ok()) return print_failure(kName, exported.message());
    }
    JsonLine mix_line;
    mix_line.add("promised_bytes_per_point", promised).add("run", describe(run.value()));
    line.add(name, mix_line.add("paced", describe(paced.value())));
    ratio.add(name, bytes_a_point(paced.value()) / promised);
    drops += run.value().drops;
    differences += run.value().differences + paced.value().differences;
  }
  line.add("ratio", ratio).add("points_different", differences).add("drops", drops);
  print_line(line.add("parameters", arguments.parameters()));
  return differences == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  return wb::bench::benchmark(count, values);
}
