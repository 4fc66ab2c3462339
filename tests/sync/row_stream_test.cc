// Row stream: which lines a run's journals make, in every order, batch size and restart.
#include "sync/row_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::MakerOptions;
using test::TempDir;

RunModel only_run(const std::string& directory) {
  Discovery discovery = discover({directory});
  EXPECT_TRUE(discovery.problems.empty()) << discovery.problems.front().message();
  EXPECT_TRUE(discovery.damage.empty()) << discovery.damage.front().what;
  EXPECT_EQ(discovery.runs.size(), 1u);
  return discovery.runs.at(0);
}

std::vector<JournalRange> whole(const RunModel& run) {
  std::vector<JournalRange> ranges;
  for (const JournalModel& journal : run.journals) ranges.push_back({.journal = journal.scan.journal});
  return ranges;
}

std::vector<Batch> all_batches(const RunModel& run, const RowStream::Options& options = {}) {
  std::vector<Batch> batches;
  Result<std::unique_ptr<RowStream>> stream = RowStream::open(run, whole(run), -1, options);
  EXPECT_TRUE(stream.ok());
  while (stream.ok()) {
    Result<Batch> batch = stream.value()->next();
    EXPECT_TRUE(batch.ok()) << batch.status().message();
    if (!batch.ok() || batch.value().parts.empty()) break;
    batches.push_back(std::move(batch).value());
  }
  return batches;
}

std::vector<std::string> all_lines(const std::vector<Batch>& batches) {
  std::vector<std::string> lines;
  for (const Batch& batch : batches) lines.insert(lines.end(), batch.lines.begin(), batch.lines.end());
  return lines;
}

/// The line without its clock entries.
nlohmann::json values_of(const std::string& line) {
  nlohmann::json object = nlohmann::json::parse(line);
  object.erase("_timestamp");
  object.erase("_runtime");
  return object;
}

std::vector<nlohmann::json> values_of(const std::vector<std::string>& lines) {
  std::vector<nlohmann::json> values;
  for (const std::string& line : lines) values.push_back(values_of(line));
  return values;
}

nlohmann::json json(const char* text) {
  return nlohmann::json::parse(text);
}

TEST(RowStream, JoinsPartsUntilACommitOrAnotherStep) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"a", 1}}, 0);
  journal.map(Kind::kConfig, {{"between", Value(1)}});
  journal.row(0, {{"b", 2.5}, {"a", 7}}, 0);
  journal.row(0, {{"c", "x"}}, kRowCommit);
  journal.row(1, {{"a", 2}}, 0);
  journal.row(5, {{"a", 3}}, kRowExplicitStep);
  journal.row(5, {{"b", 4}}, kRowExplicitStep);
  journal.row(6, {{"a", 5}});
  journal.row(6, {{"a", 6}});
  journal.finish(0);
  journal.write(directory.path());
  const auto lines = values_of(all_lines(all_batches(only_run(directory.path()))));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], json(R"({"_step":0,"a":7,"b":2.5,"c":"x"})"));
  EXPECT_EQ(lines[1], json(R"({"_step":1,"a":2})"));
  EXPECT_EQ(lines[2], json(R"({"_step":5,"a":3,"b":4})"));
  EXPECT_EQ(lines[3], json(R"({"_step":6,"a":5})"));
  EXPECT_EQ(lines[4], json(R"({"_step":7,"a":6,"wb/step":6})"));
}

TEST(RowStream, WritesWallTimeAndRuntimeOfTheLastPart) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"a", 1}}, 0);
  journal.row(0, {{"b", 1}});
  journal.finish(0);
  journal.write(directory.path());
  const auto lines = all_lines(all_batches(only_run(directory.path())));
  ASSERT_EQ(lines.size(), 1u);
  const auto line = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(line["_timestamp"].get<double>(), 1'700'000'002.0);
  EXPECT_EQ(line["_runtime"].get<double>(), 2.0);
}

TEST(RowStream, KeepsRowsBehindAHigherStepUnderARisingWireStep) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(10, {{"a", 1}});
  journal.row(3, {{"a", 2}}, kRowCommit | kRowOutOfOrder);
  journal.row(11, {{"a", 3}});
  journal.row(20, {{"a", 4}});
  journal.finish(0);
  journal.write(directory.path());
  const auto lines = values_of(all_lines(all_batches(only_run(directory.path()))));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1], json(R"({"_step":11,"a":2,"wb/step":3})"));
  EXPECT_EQ(lines[2], json(R"({"_step":12,"a":3,"wb/step":11})"));
  EXPECT_EQ(lines[3], json(R"({"_step":20,"a":4})"));
}

TEST(RowStream, LeavesEmptyKeysOutAndMovesAsideNamesThatBelongToTheWire) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(4, {{"_step", 99}, {"wb/step", 98}, {"_timestamp", 1.5}, {"x", Value::null()}});
  journal.finish(0);
  journal.write(directory.path());
  const auto lines = all_lines(all_batches(only_run(directory.path())));
  ASSERT_EQ(lines.size(), 1u);
  auto line = nlohmann::json::parse(lines[0]);
  line.erase("_runtime");
  EXPECT_EQ(line, json(R"({"user/_step":99,"user/wb/step":98,"_timestamp":1.5,"x":null,"_step":4})"));
}

/// Four ranks, uneven lengths, shared and own keys, late rows, two attempts of rank 1.
void write_four_ranks(const std::string& directory, const std::vector<int>& order) {
  std::vector<std::function<void()>> writers;
  for (int rank = 0; rank < 4; ++rank) {
    for (int attempt = 0; attempt < (rank == 1 ? 2 : 1); ++attempt) {
      writers.push_back([=] {
        MakerOptions options;
        options.rank = rank;
        options.attempt = attempt;
        options.seed = static_cast<std::uint64_t>(10 * rank + attempt + 1);
        options.start_wall_us += rank * 1'000 + attempt * 50'000'000;
        JournalMaker journal(options);
        const std::string own = "own" + std::to_string(rank);
        for (int step = attempt * 60; step < 120 + rank; ++step) {
          journal.row(step, {{"loss", 0.5 * step + rank}, {own, step}}, step % 3 == 0 ? 0 : kRowCommit);
          if (step % 3 == 0) journal.row(step, {{"extra", rank}});
          if (step % 10 == 9) journal.row(step - 5, {{"late", rank}}, kRowCommit | kRowOutOfOrder);
          if (step % 16 == 15) journal.map(Kind::kSummary, {{"best", Value(step)}});
        }
        journal.finish(0);
        journal.write(directory);
      });
    }
  }
  for (const int index : order) writers.at(static_cast<std::size_t>(index))();
}

TEST(RowStream, GivesTheSameLinesInAnyOrderOfJournalsAndWithAnyBatchSize) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  std::vector<std::string> expected;
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  int checked = 0;
  for (int round = 0; round < 6; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    const TempDir directory;
    write_four_ranks(directory.path(), order);
    const RunModel run = only_run(directory.path());
    ASSERT_EQ(run.journals.size(), 5u);
    for (const std::size_t batch_bytes : {1u, 200u, 5'000u, 1u << 20}) {
      const auto batches = all_batches(run, {.batch_bytes_max = batch_bytes});
      EXPECT_TRUE(batch_bytes > 1 || batches.size() > 100) << batches.size();
      const auto lines = all_lines(batches);
      if (expected.empty()) expected = lines;
      ASSERT_EQ(lines, expected);
      ++checked;
    }
    std::shuffle(order.begin(), order.end(), random);
  }
  EXPECT_EQ(checked, 24);
  EXPECT_GT(expected.size(), 123u);
  std::int64_t last = -1;
  for (const std::string& line : expected) {
    const std::int64_t step = nlohmann::json::parse(line)["_step"];
    ASSERT_GT(step, last);
    last = step;
  }
}

TEST(RowStream, RebuildsEveryBatchToTheSameBytesFromItsPartsAlone) {
  const TempDir directory;
  write_four_ranks(directory.path(), {0, 1, 2, 3, 4});
  const RunModel run = only_run(directory.path());
  int checked = 0;
  for (const std::size_t batch_bytes : {1u, 300u, 7'000u}) {
    for (const Batch& batch : all_batches(run, {.batch_bytes_max = batch_bytes})) {
      const Result<Batch> again = rebuild_batch(run, batch.parts, batch.previous_step);
      ASSERT_TRUE(again.ok()) << again.status().message();
      ASSERT_EQ(again.value().lines, batch.lines);
      ASSERT_EQ(again.value().last_step, batch.last_step);
      ASSERT_EQ(again.value().bytes, batch.bytes);
      ++checked;
    }
  }
  EXPECT_GT(checked, 100);
}

TEST(RowStream, CoversEveryRecordExactlyOnce) {
  const TempDir directory;
  write_four_ranks(directory.path(), {0, 1, 2, 3, 4});
  const RunModel run = only_run(directory.path());
  std::map<Uuid, std::uint64_t> covered;
  for (const Batch& batch : all_batches(run, {.batch_bytes_max = 500})) {
    for (const JournalRange& part : batch.parts) {
      ASSERT_EQ(part.first_sequence, covered[part.journal] + 1);
      ASSERT_GE(part.last_sequence, part.first_sequence);
      covered[part.journal] = part.last_sequence;
    }
  }
  ASSERT_EQ(covered.size(), 5u);
  for (const JournalModel& journal : run.journals) {
    EXPECT_EQ(covered[journal.scan.journal], journal.scan.last_sequence);
  }
}

TEST(RowStream, GoesOnFromARangeAsIfItHadNeverStopped) {
  const TempDir directory;
  write_four_ranks(directory.path(), {0, 1, 2, 3, 4});
  const RunModel run = only_run(directory.path());
  const auto batches = all_batches(run, {.batch_bytes_max = 600});
  const auto expected = all_lines(batches);
  std::size_t cut_count = 0;
  for (std::size_t cut = 0; cut < batches.size(); cut += 3, ++cut_count) {
    std::map<Uuid, std::uint64_t> covered;
    std::vector<std::string> lines;
    for (std::size_t i = 0; i <= cut; ++i) {
      for (const JournalRange& part : batches[i].parts) covered[part.journal] = part.last_sequence;
      lines.insert(lines.end(), batches[i].lines.begin(), batches[i].lines.end());
    }
    std::vector<JournalRange> rest;
    for (const JournalModel& journal : run.journals) {
      rest.push_back({.journal = journal.scan.journal, .first_sequence = covered[journal.scan.journal] + 1});
    }
    auto stream = RowStream::open(run, rest, batches[cut].last_step, {});
    ASSERT_TRUE(stream.ok());
    for (Batch batch = stream.value()->next().value(); !batch.parts.empty(); batch = stream.value()->next().value()) {
      lines.insert(lines.end(), batch.lines.begin(), batch.lines.end());
    }
    ASSERT_EQ(lines, expected) << "cut behind batch " << cut;
  }
  EXPECT_GT(cut_count, 3u);
}

TEST(RowStream, JoinsRanksAndNamesTheOriginOfAKeyThatSeveralLog) {
  const TempDir directory;
  for (int rank = 0; rank < 3; ++rank) {
    MakerOptions options{.rank = rank, .seed = static_cast<std::uint64_t>(rank + 1)};
    JournalMaker journal(options);
    journal.row(0, {{"loss", rank}, {"only" + std::to_string(rank) == "only0" ? "only0" : "other", rank}});
    if (rank == 2) journal.row(1, {{"loss", 9}});
    journal.finish(0);
    journal.write(directory.path());
  }
  const auto lines = values_of(all_lines(all_batches(only_run(directory.path()))));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], json(R"({"_step":0,"loss/rank0":0,"loss/rank1":1,"loss/rank2":2,"only0":0,
                               "other/rank1":1,"other/rank2":2})"));
  EXPECT_EQ(lines[1], json(R"({"_step":1,"loss":9})"));
}

TEST(RowStream, LeavesANameToTheProgramThatLogsItItselfAndChangesKeysFromLineToLine) {
  const TempDir directory;
  for (int rank = 0; rank < 2; ++rank) {
    MakerOptions options;
    options.rank = rank;
    options.seed = static_cast<std::uint64_t>(rank + 1);
    JournalMaker journal(options);
    journal.row(0, {{"loss", rank}});
    if (rank == 0) journal.row(1, {{"loss", 10}, {"loss/rank0", 5}});
    if (rank == 1) journal.row(1, {{"loss", 11}});
    journal.row(2, {{"loss", 20 + rank}});
    if (rank == 0) journal.row(3, {{"lr", 30}});
    if (rank == 1) journal.row(3, {{"loss", 31}});
    journal.row(4, {{"lr", 40 + rank}});
    journal.finish(0);
    journal.write(directory.path());
  }
  const auto lines = values_of(all_lines(all_batches(only_run(directory.path()))));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], json(R"({"_step":0,"loss/rank0":0,"loss/rank1":1})"));
  EXPECT_EQ(lines[1], json(R"({"_step":1,"loss/rank0'":10,"loss/rank0":5,"loss/rank1":11})"));
  EXPECT_EQ(lines[2], json(R"({"_step":2,"loss/rank0":20,"loss/rank1":21})"));
  EXPECT_EQ(lines[3], json(R"({"_step":3,"lr":30,"loss":31})"));
  EXPECT_EQ(lines[4], json(R"({"_step":4,"lr/rank0":40,"lr/rank1":41})"));
}

TEST(RowStream, NamesEarlierAttemptsAndTwoProcessesOfOneRankApart) {
  const TempDir directory;
  std::string twin[2];
  for (int attempt = 0; attempt < 2; ++attempt) {
    JournalMaker journal({.attempt = attempt, .seed = static_cast<std::uint64_t>(attempt + 1)});
    journal.row(7, {{"loss", attempt}});
    journal.finish(0);
    journal.write(directory.path());
  }
  EXPECT_EQ(values_of(all_lines(all_batches(only_run(directory.path()))))[0],
            json(R"({"_step":7,"loss/attempt0":0,"loss":1})"));
  const TempDir other;
  for (int process = 0; process < 2; ++process) {
    JournalMaker journal({.seed = static_cast<std::uint64_t>(process + 1)});
    twin[process] = "loss/" + journal.uuid().hex().substr(0, 8);
    journal.row(7, {{"loss", process}});
    journal.finish(0);
    journal.write(other.path());
  }
  nlohmann::json expected = {{"_step", 7}, {twin[0], 0}, {twin[1], 1}};
  EXPECT_EQ(values_of(all_lines(all_batches(only_run(other.path()))))[0], expected);
}

/// A live journal: no end, but heard of just now.
MakerOptions live_options(std::int64_t rank) {
  MakerOptions options{.rank = rank, .seed = static_cast<std::uint64_t>(rank + 1)};
  options.start_wall_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  return options;
}

TEST(RowStream, HoldsBackTheOpenRowOfALiveJournal) {
  const TempDir directory;
  JournalMaker journal(live_options(0));
  journal.row(0, {{"a", 1}});
  journal.row(1, {{"a", 2}}, 0);
  journal.write(directory.path());
  const RunModel run = only_run(directory.path());
  ASSERT_EQ(run.state, RunState::kRunning);
  const auto batches = all_batches(run);
  EXPECT_EQ(all_lines(batches).size(), 1u);
  EXPECT_EQ(batches.back().parts.back().last_sequence, journal.last_sequence() - 1);

  // Not even the lag sends it; rows of other journals then go past it.
  JournalMaker other(live_options(1));
  other.row(5, {{"c", 1}});
  other.write(directory.path());
  const RunModel both = only_run(directory.path());
  const std::int64_t now_us = both.last_wall_us + 100'000'000;
  const auto overdue = values_of(all_lines(all_batches(both, {.lag_us = 1'000'000, .now_wall_us = now_us})));
  ASSERT_EQ(overdue.size(), 2u);
  EXPECT_EQ(overdue[1], json(R"({"_step":5,"c":1})"));
  std::filesystem::remove_all(directory.path());

  journal.row(1, {{"b", 3}});
  journal.finish(0);
  journal.write(directory.path());
  const auto lines = values_of(all_lines(all_batches(only_run(directory.path()))));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], json(R"({"_step":1,"a":2,"b":3})"));
}

TEST(RowStream, WaitsUntilAllLiveJournalsHavePassedAStepOrTheLagIsOver) {
  const TempDir directory;
  JournalMaker ahead(live_options(0)), behind(live_options(1));
  for (int step = 0; step < 10; ++step) ahead.row(step, {{"a", step}});
  for (int step = 0; step < 4; ++step) behind.row(step, {{"b", step}});
  ahead.write(directory.path());
  behind.write(directory.path());
  const RunModel run = only_run(directory.path());
  const std::int64_t now_us = run.journals.front().start.wall_us() + 100'000'000;
  const auto held = all_lines(all_batches(run, {.lag_us = 1'000'000'000, .now_wall_us = now_us}));
  EXPECT_EQ(held.size(), 4u);
  const auto overdue = all_lines(all_batches(run, {.lag_us = 30'000'000, .now_wall_us = now_us}));
  EXPECT_EQ(overdue.size(), 10u);
  // Rows 0 to 5 of the leader were logged more than 95 s before; the others were not.
  const auto partly = all_lines(all_batches(run, {.lag_us = 94'000'000, .now_wall_us = now_us}));
  EXPECT_EQ(partly.size(), 6u);
}

TEST(RowStream, SaysThatRecordsAreMissingInsteadOfBuildingOtherLines) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"a", 1}});
  journal.finish(0);
  journal.write(directory.path());
  const RunModel run = only_run(directory.path());
  const Uuid uuid = run.journals[0].scan.journal;
  const std::uint64_t last = run.journals[0].scan.last_sequence;
  EXPECT_TRUE(rebuild_batch(run, {{uuid, 1, last}}, -1).ok());
  EXPECT_EQ(rebuild_batch(run, {{uuid, 1, last + 1}}, -1).status().code(), Code::kCorrupt);
  EXPECT_EQ(rebuild_batch(run, {{Uuid{}, 1, 1}}, -1).status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace wb
