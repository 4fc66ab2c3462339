// What the single steps of a record's way cost: CRC32C, a row's encoding, sealing and reading a frame.
//
// Google Benchmark measures; the results are printed as one JSON line like those of the other benchmarks.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/support/journal_maker.h"
#include "bench/support/json_line.h"
#include "schema/crc32c.h"
#include "schema/frame.h"
#include "schema/record.h"

namespace wb::bench {
namespace {

constexpr std::size_t kPayloadBytes = row_bytes(kMetricCount, 0);
using FrameBytes = std::vector<std::byte>;

void crc32c_of_a_frame(benchmark::State& state) {
  const FrameBytes frame(frame_bytes(kPayloadBytes), std::byte{42});
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(7, std::span(frame).subspan(8)));
}
BENCHMARK(crc32c_of_a_frame);

void crc32c_portable_of_a_frame(benchmark::State& state) {
  const FrameBytes frame(frame_bytes(kPayloadBytes), std::byte{42});
  for (auto _ : state) benchmark::DoNotOptimize(crc32c_portable(7, std::span(frame).subspan(8)));
}
BENCHMARK(crc32c_portable_of_a_frame);

void encode_row(benchmark::State& state) {
  FrameBytes frame(frame_bytes(kPayloadBytes));
  const Row row = make_rows(Mix::kTraining, 1, 1)[0];
  for (auto _ : state) {
    RowEncoder encoder(frame.data() + kFrameHeadBytes, kMetricCount, 0, 7, {});
    for (std::uint32_t i = 0; i < kMetricCount; ++i) encoder.set(i, i, Value(row[i]));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(encode_row);

void seal_frame_of_a_row(benchmark::State& state) {
  FrameBytes frame(frame_bytes(kPayloadBytes));
  for (auto _ : state) {
    seal_frame(frame.data(), kPayloadBytes, Kind::kRow, kRowCommit, 1, 7);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(seal_frame_of_a_row);

void read_frame_of_a_row(benchmark::State& state) {
  FrameBytes frame(frame_bytes(kPayloadBytes));
  RowEncoder encoder(frame.data() + kFrameHeadBytes, kMetricCount, 0, 7, {});
  for (std::uint32_t i = 0; i < kMetricCount; ++i) encoder.set(i, i, Value(1.5));
  seal_frame(frame.data(), kPayloadBytes, Kind::kRow, kRowCommit, 1, 7);
  for (auto _ : state) {
    const auto read = read_frame(frame, 7);
    benchmark::DoNotOptimize(RowView::parse(read.value().payload).value().step());
  }
}
BENCHMARK(read_frame_of_a_row);

// Collects each benchmark's time a call.
class LineReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) times_.add(run.benchmark_name(), run.GetAdjustedCPUTime());
  }
  const JsonLine& times() const { return times_; }

 private:
  JsonLine times_;
};

}  // namespace
}  // namespace wb::bench

int main(int count, char** values) {
  benchmark::Initialize(&count, values);
  if (benchmark::ReportUnrecognizedArguments(count, values)) return 2;
  wb::bench::LineReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  wb::bench::JsonLine line;
  line.add("name", "schema_micro").add("cpu_ns", reporter.times()).add("drops", 0);
  return wb::bench::print_line(line);
}
