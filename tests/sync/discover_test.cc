// Discovery: runs, states and registers out of journals, and clear words about everything that is none.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "schema/tail_file.h"
#include "sync/discovery_report.h"
#include "sync/find_run.h"
#include "sync/run_model.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::MakerOptions;
using test::TempDir;
using test::write_file;

RunModel only_run(const std::string& path) {
  const Discovery discovery = discover({path});
  EXPECT_EQ(discovery.runs.size(), 1u);
  return discovery.runs.at(0);
}

TEST(Discover, RebuildsIdentityConfigSummaryAndCounts) {
  const TempDir directory;
  MakerOptions options;
  options.fields = {{"entity", "team"}, {"group", "exp"},  {"job_type", "train"}, {"name", "first"},
                    {"notes", "n"},     {"host", "node7"}, {"program", "t.py"},   {"tags", R"(["a","b"])"}};
  JournalMaker journal(options);
  journal.map(Kind::kConfig, {{"lr", 0.1}, {"layers", Value::json("[1, 2]")}, {"gone", 1}});
  journal.map(Kind::kConfig, {{"lr", 0.2}, {"gone", Value::removed()}});
  journal.row(0, {{"loss", 2.0}, {"none", Value::null()}});
  journal.row(1, {{"loss", 1.0}, {"text", "x"}});
  journal.map(Kind::kRun, {{"name", "second"}, {"tags", Value::json(R"(["c"])")}});
  journal.map(Kind::kGap, {{"count", std::int64_t{5}}, {"first_step", 2}, {"last_step", 6}});
  journal.map(Kind::kSummary, {{"best", Value(7)}, {"tmp", Value(1)}});
  journal.map(Kind::kSummary, {{"tmp", Value::removed()}});
  journal.finish(3);
  journal.write(directory.path());
  const RunModel run = only_run(directory.path());
  EXPECT_EQ(run.id, "run1");
  EXPECT_EQ(run.project, "demo");
  EXPECT_EQ(run.entity, "team");
  EXPECT_EQ(run.group, "exp");
  EXPECT_EQ(run.job_type, "train");
  EXPECT_EQ(run.name, "second");
  EXPECT_EQ(run.tags, std::vector<std::string>{"c"});
  EXPECT_EQ(run.host, "node7");
  EXPECT_EQ(run.program, "t.py");
  EXPECT_EQ(run.config, (std::map<std::string, std::string>{{"layers", "[1,2]"}, {"lr", "0.2"}}));
  EXPECT_EQ(run.summary, (std::map<std::string, std::string>{{"_runtime", "2"},
                                                             {"_step", "1"},
                                                             {"_timestamp", "1700000002"},
                                                             {"_wandb", "{\"runtime\":2}"},
                                                             {"best", "7"},
                                                             {"loss", "1"},
                                                             {"text", "\"x\""}}));
  EXPECT_EQ(run.state, RunState::kFailed);
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(run.row_count, 2u);
  EXPECT_EQ(run.last_step, 1);
  ASSERT_EQ(run.journals.size(), 1u);
  EXPECT_EQ(run.journals[0].dropped_count, 5u);
  EXPECT_EQ(run.journals[0].row_count, 2u);
  EXPECT_FALSE(run.journals[0].scan.ends_open);
}

TEST(Discover, GathersTheJournalsOfARunAndKeepsProjectsAndEntitiesApart) {
  const TempDir directory;
  int seed = 0;
  for (const char* project : {"a", "b"}) {
    for (int rank = 0; rank < 2; ++rank) {
      MakerOptions options{.project = project, .rank = rank, .seed = static_cast<std::uint64_t>(++seed)};
      options.start_wall_us += rank;
      JournalMaker journal(options);
      journal.map(Kind::kConfig,
                  {{"rank", Value(rank)}, {"own" + std::to_string(rank) == "own0" ? "own0" : "own1", Value(1)}});
      journal.row(0, {{"loss", rank}});
      journal.row(1, {{rank == 0 ? "x" : "y", rank}});
      journal.finish(0);
      journal.write(directory.path() + "/" + project);
    }
  }
  const Discovery discovery = discover({directory.path()});
  ASSERT_EQ(discovery.runs.size(), 2u);
  EXPECT_EQ(discovery.runs[0].project, "a");
  EXPECT_EQ(discovery.runs[1].project, "b");
  for (const RunModel& run : discovery.runs) {
    ASSERT_EQ(run.journals.size(), 2u);
    EXPECT_EQ(run.journals[0].rank, 0);
    EXPECT_EQ(run.row_count, 2u);
    EXPECT_EQ(run.config.at("rank"), "0");  // Rank 0 wins.
    EXPECT_TRUE(run.config.contains("own0") && run.config.contains("own1"));
    EXPECT_EQ(run.summary.at("loss/rank1"), "1");
    EXPECT_EQ(run.summary.at("x"), "0");
    EXPECT_FALSE(run.summary.contains("loss"));
  }
}

TEST(Discover, CountsAJournalOnceHoweverItIsReached) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"a", 1}});
  journal.finish(0);
  const std::string file = journal.write(directory.path());
  const std::string home = directory.path() + "/run1";
  const Discovery discovery = discover({directory.path(), home, file, directory.path() + "/"});
  ASSERT_EQ(discovery.runs.size(), 1u);
  EXPECT_EQ(discovery.runs[0].journals.size(), 1u);
  EXPECT_EQ(discovery.runs[0].name, "");  // The server's to choose.
  EXPECT_EQ(discovery.runs[0].shown_name(), "run1");
  EXPECT_TRUE(discovery.problems.empty());
  EXPECT_EQ(discover({file}).runs.size(), 1u);
  EXPECT_EQ(discover({home}).runs.size(), 1u);
}

TEST(Discover, TakesTheCopyOfAJournalThatHoldsMost) {
  int checked = 0;
  for (const bool stale_first : {true, false}) {
    const TempDir directory;
    for (const bool stale : {true, false}) {
      JournalMaker journal({});
      for (int i = 0; i < (stale ? 5 : 20); ++i) journal.row(i, {{"loss", i}});
      if (!stale) journal.finish(0);
      const std::string below = directory.path() + (stale == stale_first ? "/a" : "/b");
      std::filesystem::create_directory(below);
      journal.write(below);
    }
    const Discovery discovery = discover({directory.path()});
    ASSERT_EQ(discovery.runs.size(), 1u);
    ASSERT_EQ(discovery.runs[0].journals.size(), 1u);
    EXPECT_EQ(discovery.runs[0].row_count, 20u) << stale_first;
    EXPECT_EQ(discovery.runs[0].state, RunState::kFinished) << stale_first;
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

TEST(Discover, GoesFourFoldersDeepNotThroughLinksAndNotIntoItsOwnState) {
  const TempDir directory;
  JournalMaker journal({});
  journal.finish(0);
  journal.write(directory.path() + "/1/2/3");  // The run's directory is the fourth.
  JournalMaker too_deep({.run_id = "deep", .seed = 2});
  too_deep.write(directory.path() + "/1/2/3/4");
  JournalMaker state({.run_id = "state", .seed = 3});
  state.write(directory.path() + "/.wbsync");
  JournalMaker linked({.run_id = "linked", .seed = 4});
  const TempDir elsewhere;
  linked.write(elsewhere.path());
  std::filesystem::create_directory_symlink(elsewhere.path(), directory.path() + "/link");
  const Discovery discovery = discover({directory.path()});
  ASSERT_EQ(discovery.runs.size(), 1u);
  EXPECT_EQ(discovery.runs[0].id, "run1");
  EXPECT_EQ(discover({directory.path() + "/link"}).runs.size(), 1u);  // Asked for by name.
}

TEST(Discover, ReadsAJournalOverItsTailsAndNamesKeysFromSnapshotsWhenTheFirstTailIsLost) {
  const TempDir directory;
  JournalMaker journal({});
  journal.row(0, {{"loss", 1.0}});
  journal.rotate();
  journal.row(1, {{"loss", 2.0}});
  journal.finish(0);
  const std::string first = journal.write(directory.path());
  EXPECT_EQ(only_run(directory.path()).row_count, 2u);
  std::filesystem::remove(first);
  const Discovery discovery = discover({directory.path()});
  ASSERT_EQ(discovery.runs.size(), 1u);
  EXPECT_EQ(discovery.runs[0].id, "run1");
  EXPECT_EQ(discovery.runs[0].summary.at("loss"), "2");
  EXPECT_EQ(discovery_exit_code(discovery), ExitCode::kDamage);
}

struct BadInputCase {
  const char* what;
  std::function<std::string(const std::string&)> make;  // Returns the path that must be named.
  ExitCode expected;
};

std::vector<BadInputCase> bad_input_cases() {
  JournalMaker victim({.run_id = "victim", .seed = 77});
  for (int step = 0; step < 50; ++step) victim.row(step, {{"a", step}});
  victim.finish(0);
  const std::string stem = victim.stem();
  const auto victim_file = [stem](const std::string& directory, const std::string& ending, const std::string& bytes) {
    std::filesystem::create_directories(directory + "/victim");
    const std::string path = directory + "/victim/" + stem + ending;
    write_file(path, bytes);
    // Old enough to be no journal that is just beginning.
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
    return path;
  };
  std::string flipped = victim.bytes();
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  TailHead newer;
  newer.version = 99;
  const auto newer_head = encode_tail_head(newer);
  const std::string newer_bytes(reinterpret_cast<const char*>(newer_head.data()), newer_head.size());
  return {
      {"missing directory", [](const std::string& d) { return d + "/nothing"; }, ExitCode::kNotFound},
      {"no journals",
       [](const std::string& d) {
         std::filesystem::create_directory(d + "/empty");
         return d + "/empty";
       },
       ExitCode::kNotFound},
      {"some other file",
       [](const std::string& d) {
         write_file(d + "/notes.txt", "hello");
         return d + "/notes.txt";
       },
       ExitCode::kNotFound},
      {"random file named .wbj",
       [](const std::string& d) {
         write_file(d + "/random.wbj", "no journal at all");
         return d + "/random.wbj";
       },
       ExitCode::kDamage},
      {"random bytes in a tail",
       [=](const std::string& d) { return victim_file(d, ".000.tail", std::string(500, 'x')); }, ExitCode::kDamage},
      {"random bytes in a segment",
       [=](const std::string& d) { return victim_file(d, ".000.wbj", std::string(5'000, 'x')); }, ExitCode::kDamage},
      {"empty tail", [=](const std::string& d) { return victim_file(d, ".000.tail", ""); }, ExitCode::kDamage},
      {"empty segment", [=](const std::string& d) { return victim_file(d, ".000.wbj", ""); }, ExitCode::kDamage},
      {"flipped bit", [=](const std::string& d) { return victim_file(d, ".000.tail", flipped); }, ExitCode::kDamage},
      {"newer version", [=](const std::string& d) { return victim_file(d, ".000.tail", newer_bytes); },
       ExitCode::kDamage},
  };
}

// Every kind of bad input beside one good run: it is named, the good run is read, the exit code says which it was.
TEST(BadInput, IsNamedWithItsPathWhileTheOtherRunsAreRead) {
  int checked = 0;
  for (const BadInputCase& one : bad_input_cases()) {
    SCOPED_TRACE(one.what);
    const TempDir directory;
    JournalMaker good({});
    good.row(0, {{"a", 1}});
    good.finish(0);
    good.write(directory.path() + "/good");
    const std::string bad_path = one.make(directory.path());
    const Discovery discovery = discover({directory.path() + "/good", bad_path});
    ASSERT_FALSE(discovery.runs.empty());
    EXPECT_TRUE(std::any_of(discovery.runs.begin(), discovery.runs.end(),
                            [](const RunModel& run) { return run.id == "run1" && run.row_count == 1; }));
    EXPECT_EQ(discovery_exit_code(discovery), one.expected);
    std::string said;
    for (const Status& problem : discovery.problems) said += problem.message() + "\n";
    for (const Damage& damage : discovery.damage) said += damage_text(damage) + "\n";
    const std::string name = bad_path.substr(bad_path.rfind('/') + 1);
    EXPECT_NE(said.find(name), std::string::npos) << said;
    ++checked;
  }
  EXPECT_EQ(checked, 10);
}

TEST(Discovery, PassesOverATailThatHasJustBegun) {
  const TempDir directory;
  JournalMaker young({});
  write_file(directory.path() + "/" + young.stem() + ".000.tail", "");
  const Discovery discovery = discover({directory.path()});
  EXPECT_TRUE(discovery.runs.empty());
  EXPECT_TRUE(discovery.damage.empty());
}

TEST(BadInput, AFlippedBitCostsOnlyTheRecordItHits) {
  const TempDir directory;
  JournalMaker journal({});
  for (int step = 0; step < 50; ++step) journal.row(step, {{"a", step}});
  journal.finish(0);
  std::string bytes = journal.bytes();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(journal.write(directory.path()), bytes);
  const Discovery discovery = discover({directory.path()});
  ASSERT_EQ(discovery.runs.size(), 1u);
  EXPECT_EQ(discovery.runs[0].row_count, 49u);
  EXPECT_EQ(discovery.runs[0].state, RunState::kFinished);
  ASSERT_EQ(discovery.damage.size(), 1u);
  EXPECT_EQ(discovery.damage[0].first_missing, discovery.damage[0].last_missing);
  EXPECT_NE(discovery.damage[0].first_missing, 0u);
}

TEST(BadInput, ADirectoryWithoutTheRightToReadIsNamedAndTheOthersAreRead) {
  const TempDir directory;
  JournalMaker good({});
  good.finish(0);
  good.write(directory.path());
  JournalMaker hidden({.run_id = "hidden", .seed = 2});
  hidden.write(directory.path());
  ASSERT_EQ(::chmod((directory.path() + "/hidden").c_str(), 0), 0);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    // Root may read everything, so the look is taken as nobody.
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(100);
    const Discovery discovery = discover({directory.path()});
    const bool named = discovery.problems.size() == 1 && discovery.problems[0].code() == Code::kPermission &&
                       discovery.problems[0].message().find("/hidden") != std::string::npos;
    const bool good_read = discovery.runs.size() == 1 && discovery.runs[0].id == "run1";
    ::_exit((named ? 1 : 0) + (good_read ? 2 : 0) + (discovery_exit_code(discovery) == ExitCode::kNotFound ? 4 : 0));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(::chmod((directory.path() + "/hidden").c_str(), 0700), 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(FindRun, TakesAnIdAGroupOrAPathAndSaysWhenThereIsNone) {
  const TempDir directory;
  int seed = 0;
  for (const char* id : {"one", "two", "three"}) {
    MakerOptions options{.run_id = id, .seed = static_cast<std::uint64_t>(++seed)};
    options.fields = {{"group", std::string(id) == "three" ? "solo" : "pair"}};
    JournalMaker journal(options);
    journal.finish(0);
    journal.write(directory.path());
  }
  EXPECT_EQ(find_runs("two", directory.path()).runs.size(), 1u);
  EXPECT_EQ(find_runs("pair", directory.path()).runs.size(), 2u);
  EXPECT_EQ(find_runs(directory.path() + "/one", "unused").runs.size(), 1u);
  const Discovery none = find_runs("four", directory.path());
  EXPECT_TRUE(none.runs.empty());
  EXPECT_EQ(discovery_exit_code(none), ExitCode::kNotFound);
}

TEST(Report, CannotMoveTheCursorOfATerminal) {
  const Damage damage{.path = "/x/\x1b[2Jevil", .what = "a\nb\xE2\x80\xAE"};
  EXPECT_EQ(damage_text(damage), "/x/[2Jevil: ab");
}

}  // namespace
}  // namespace wb
