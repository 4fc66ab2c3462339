// The reading commands: what they print and the exit code that they end with.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sync/commands/dump.h"
#include "sync/commands/ls.h"
#include "sync/commands/rescue.h"
#include "sync/commands/show.h"
#include "sync/commands/verify.h"
#include "sync/json.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::MakerOptions;
using test::TempDir;

/// What a command printed, and how it ended.
struct Said {
  ExitCode code = ExitCode::kOk;
  std::string out, error;

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }
};

template <typename Command>
Said said(const Command& command) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Said said;
  said.code = command();
  std::fflush(stdout);
  said.out = testing::internal::GetCapturedStdout();
  said.error = testing::internal::GetCapturedStderr();
  return said;
}

TEST(Dump, WritesEveryTypeOfValueExactlyAndTheKeysInOrder) {
  const TempDir directory;
  JournalMaker journal({.rank = 2, .attempt = 1});
  journal.row(7,
              {{"f", 0.1},
               {"whole", 3.0},
               {"zero", -0.0},
               {"big", 1e300},
               {"round", 1e22},
               {"nan", std::nan("")},
               {"inf", -std::numeric_limits<double>::infinity()},
               {"i", std::int64_t{-9'007'199'254'740'993}},
               {"u", std::uint64_t{UINT64_MAX}},
               {"b", true},
               {"s", "a\"\n\xFF"},
               {"j", Value::json("{\"k\": [NaN, 1.0]}")},
               {"broken", Value::json("{")},
               {"n", Value::null()}},
              kRowCommit | kRowExplicitStep);
  journal.finish(3);
  journal.write(directory.path());
  const Said dump = said([&] { return run_dump({.run = "run1", .path = directory.path()}); });
  EXPECT_EQ(dump.code, ExitCode::kOk);
  ASSERT_EQ(dump.lines().size(), 3u);
  EXPECT_EQ(dump.lines()[1],
            R"({"run":"run1","rank":2,"attempt":1,"source":"trainer","seq":16,"time":1700000001.000000,"step":7,)"
            R"("kind":"row","flags":5,"data":{"f":0.1,"whole":3.0,"zero":-0.0,"big":1e+300,"round":1e+22,"nan":NaN,)"
            R"("inf":-Infinity,"i":-9007199254740993,"u":18446744073709551615,"b":true,"s":"a\"\n)"
            "\xEF\xBF\xBD"
            R"(","j":{"k":[NaN,1.0]},"broken":"{","n":null}})");
  EXPECT_EQ(dump.lines()[2],
            R"({"run":"run1","rank":2,"attempt":1,"source":"trainer","seq":17,"time":1700000001.000000,"step":null,)"
            R"("kind":"finish","flags":0,"data":{"exit_code":3}})");
}

TEST(Dump, ShowsKeysAndTheKeepersRecordsOnRequestOnly) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"a", 1}});
  journal.heartbeat();
  journal.row(1, {{"a", 2}});
  journal.death(9);
  journal.write(directory.path());
  const auto kinds = [&](const DumpOptions& options) {
    std::string all;
    for (const std::string& line : said([&] { return run_dump(options); }).lines()) {
      const auto record = nlohmann::json::parse(line);
      all += record["kind"].get<std::string>() + ":" + record["source"].get<std::string>().substr(0, 1) + " ";
    }
    return all;
  };
  const std::string run = directory.path() + "/run1";
  EXPECT_EQ(kinds({.run = run}), "run:t row:t row:t ");
  EXPECT_EQ(kinds({.run = run, .all = true}), "run:t key:t row:t heartbeat:k row:t death:k tail_end:k ");
  EXPECT_EQ(kinds({.run = run, .kind = "heartbeat"}), "heartbeat:k ");
  EXPECT_EQ(said([&] { return run_dump({.run = run, .kind = "bogus"}); }).code, ExitCode::kUsage);
}

TEST(Dump, EndsWithItsCodeWhenTheRunIsNotThereOrDamaged) {
  const TempDir directory;
  JournalMaker journal({});
  for (int step = 0; step < 20; ++step) journal.row(step, {{"a", step}});
  journal.finish(0);
  std::string bytes = journal.bytes();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  test::write_file(journal.write(directory.path()), bytes);
  const Said damaged = said([&] { return run_dump({.run = "run1", .path = directory.path(), .kind = "row"}); });
  EXPECT_EQ(damaged.code, ExitCode::kDamage);
  EXPECT_EQ(damaged.lines().size(), 19u);
  EXPECT_NE(damaged.error.find("missing"), std::string::npos) << damaged.error;
  const Said none = said([&] { return run_dump({.run = "other", .path = directory.path()}); });
  EXPECT_EQ(none.code, ExitCode::kDamage);  // More urgent than the run that is not there; both are said.
  EXPECT_NE(none.error.find("no run or group \"other\""), std::string::npos) << none.error;
}

TEST(Ls, ListsEveryJournalWithStateAndCounts) {
  const TempDir directory;
  for (int rank = 0; rank < 2; ++rank) {
    MakerOptions options{
        .run_id = "r" + std::to_string(rank), .rank = rank, .seed = static_cast<std::uint64_t>(rank + 1)};
    options.fields = {{"group", "exp"}, {"name", "evil\x1b[2J"}, {"host", "node"}};
    JournalMaker journal(options);
    for (int step = 0; step < 5; ++step) journal.row(step, {{"a", step}});
    if (rank == 0) {
      journal.finish(0);
    } else {
      journal.death(9);
    }
    journal.write(directory.path());
  }
  const Said table = said([&] { return run_ls({.paths = {directory.path()}}); });
  EXPECT_EQ(table.code, ExitCode::kOk) << table.error;
  ASSERT_EQ(table.lines().size(), 3u) << table.out;
  EXPECT_EQ(table.out.find('\x1b'), std::string::npos);
  const auto words = [](const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> all;
    for (std::string word; stream >> word;) all.push_back(word);
    return all;
  };
  const auto first = words(table.lines()[1]), second = words(table.lines()[2]);
  ASSERT_EQ(first.size(), 12u) << table.out;
  EXPECT_EQ(std::vector<std::string>(first.begin(), first.begin() + 8),
            (std::vector<std::string>{"r0", "evil[2J", "exp", "0", "node", "finished", "5", "5"}));
  EXPECT_EQ(std::vector<std::string>(first.begin() + 9, first.end()), (std::vector<std::string>{"5", "5", "-"}));
  EXPECT_EQ(second[5], "crashed");
  const Said json = said([&] { return run_ls({.paths = {directory.path()}, .json = true}); });
  ASSERT_EQ(json.lines().size(), 2u);
  const auto line = nlohmann::json::parse(json.lines()[1]);
  EXPECT_EQ(line["run"], "r1");
  EXPECT_EQ(line["state"], "crashed");
  EXPECT_EQ(line["durable"], 5);
  EXPECT_EQ(line["uploaded"], nullptr);
}

TEST(Show, SaysAllAboutARunAndTheThreeLimitsOfLoss) {
  const TempDir directory;
  MakerOptions options;
  options.fields = {{"group", "exp"}, {"host", "node"}};
  JournalMaker journal(options);
  journal.map(Kind::kConfig, {{"lr", 0.1}});
  journal.row(0, {{"loss", 0.5}});
  journal.map(Kind::kGap, {{"count", std::int64_t{2}}, {"first_step", 1}, {"last_step", 2}});
  journal.death(9);
  journal.write(directory.path());
  const Said show = said([&] { return run_show({.run = "run1", .path = directory.path()}); });
  EXPECT_EQ(show.code, ExitCode::kOk) << show.error;
  for (const char* part : {"run1", "exp", "crashed", "signal 9", "lr = 0.1", "loss = 0.5", "nothing accepted is lost",
                           "at most the last 10 ms", "at most the sync interval", "dropped  2 rows", ".000.tail"}) {
    EXPECT_NE(show.out.find(part), std::string::npos) << part << "\n" << show.out;
  }
  const Said json = said([&] { return run_show({.run = "run1", .path = directory.path(), .json = true}); });
  const auto object = nlohmann::json::parse(json.out);
  EXPECT_EQ(object["journals"][0]["dropped"], 2);
  EXPECT_EQ(object["config"]["lr"], 0.1);
  EXPECT_EQ(object["state"], "crashed");
}

TEST(Verify, IsSilentAboutGoodJournalsAndNamesEveryDamagedPlace) {
  const TempDir directory;
  JournalMaker journal({});
  for (int step = 0; step < 100; ++step) journal.row(step, {{"a", step}});
  journal.finish(0);
  const std::string path = journal.write(directory.path());
  const Said good = said([&] { return run_verify({.paths = {directory.path()}}); });
  EXPECT_EQ(good.code, ExitCode::kOk) << good.error;
  EXPECT_EQ(good.error, "");
  EXPECT_NE(good.out.find("no damage"), std::string::npos);

  std::string bytes = journal.bytes();
  for (const std::size_t part : {1, 2})
    bytes[bytes.size() / 3 * part] = static_cast<char>(bytes[bytes.size() / 3 * part] ^ 1);
  test::write_file(path, bytes);
  const Said damaged = said([&] { return run_verify({.paths = {directory.path()}, .json = true}); });
  EXPECT_EQ(damaged.code, ExitCode::kDamage);
  ASSERT_EQ(damaged.lines().size(), 3u) << damaged.out;
  for (int i = 0; i < 2; ++i) {
    const auto finding = nlohmann::json::parse(damaged.lines()[static_cast<std::size_t>(i)]);
    EXPECT_EQ(finding["path"], path);
    EXPECT_GT(finding["offset_bytes"], 64);
    EXPECT_GT(finding["first_missing"], 0);
  }
  EXPECT_EQ(nlohmann::json::parse(damaged.lines()[2])["damage"], 2);
}

/// A wbkeep of three lines, in a directory of its own.
std::string make_keeper(const TempDir& directory, const std::string& script) {
  const std::string path = directory.path() + "/wbkeep";
  test::write_file(path, "#!/bin/sh\n" + script + "\n");
  EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
  return path;
}

TEST(Rescue, RunsTheKeeperAndPassesOnWhatItSaysAndHowItEnded) {
  const TempDir directory;
  const std::string path = make_keeper(directory, R"([ "$1" = --rescue ] && echo '{"ring":"x","records":7}')");
  ASSERT_EQ(::setenv("WB_KEEPER_PATH", path.c_str(), 1), 0);
  const Said json = said([] { return run_rescue({.json = true}); });
  EXPECT_EQ(json.code, ExitCode::kOk);
  EXPECT_EQ(json.out, "{\"ring\":\"x\",\"records\":7}\n");
  EXPECT_NE(said([] { return run_rescue({}); }).out.find("records 7"), std::string::npos);
  make_keeper(directory, "exit 9");
  const Said failed = said([] { return run_rescue({}); });
  EXPECT_EQ(failed.code, ExitCode::kInternal);
  EXPECT_NE(failed.error.find("ended with 9"), std::string::npos);
  ASSERT_EQ(::setenv("WB_KEEPER_PATH", "/nowhere/wbkeep", 1), 0);
  const Said missing = said([] { return run_rescue({}); });
  EXPECT_EQ(missing.code, ExitCode::kUsage);
  EXPECT_NE(missing.error.find("/nowhere/wbkeep"), std::string::npos);
  ::unsetenv("WB_KEEPER_PATH");
}

}  // namespace
}  // namespace wb
