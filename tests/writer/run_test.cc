// Run: from open to a finished journal, through the real keeper.
#include "wb/run.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "schema/ring_layout.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/writer/collected.h"

namespace wb {
namespace {

using std::chrono::milliseconds;
using test::collect;
using test::Collected;
using test::eventually;
using test::TempDirectory;

constexpr milliseconds kFlushWait{20'000};

Options options_in(const TempDirectory& directory) {
  Options options;
  options.directory = directory.path();
  options.id = "run";
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = WB_BINARY_DIR "/bin/wbkeep";
  return options;
}

std::unique_ptr<Run> open_run(const Options& options) {
  auto run = Run::open(options);
  EXPECT_TRUE(run.ok()) << run.status().message();
  return run.ok() ? std::move(run).value() : nullptr;
}

bool log(Run& run, std::initializer_list<Metric> metrics, const LogOptions& options = {}) {
  return run.log(std::span(metrics.begin(), metrics.size()), options);
}

/// True once the keeper has completed the journal: sealed, no tail left.
bool is_sealed(const std::string& directory, const std::string& stem) {
  for (const std::string& file : test::files_ending_in(directory, ".wbj")) {
    if (file.starts_with(stem)) return test::files_ending_in(directory, ".tail").empty();
  }
  return false;
}

/// Names in /dev/shm that belong to the journal whose uuid starts with the stem's last eight digits.
std::vector<std::string> rings_of(const std::string& stem) {
  const std::string prefix = kRingNamePrefix + std::to_string(getuid()) + "-" + stem.substr(stem.size() - 8);
  std::vector<std::string> rings;
  DIR* const directory = opendir("/dev/shm");
  while (const dirent* entry = readdir(directory)) {
    if (std::string_view(entry->d_name).starts_with(prefix)) rings.emplace_back(entry->d_name);
  }
  closedir(directory);
  return rings;
}

/// Ended as documented: on a busy machine the keeper may still have to complete the journal.
bool is_ended(const Status& status) {
  return status.ok() || status.code() == Code::kTimeout;
}

/// True if this process has a descriptor of a file whose path holds `part`.
bool has_descriptor_of(const std::string& part) {
  DIR* const descriptors = opendir("/proc/self/fd");
  bool found = false;
  while (const dirent* entry = readdir(descriptors)) {
    std::array<char, 256> target{};
    const ssize_t bytes = readlinkat(dirfd(descriptors), entry->d_name, target.data(), target.size() - 1);
    found |= bytes > 0 && std::string_view(target.data()).find(part) != std::string_view::npos;
  }
  closedir(descriptors);
  return found;
}

TEST(Run, WritesAJournalThatHoldsWhatWasLogged) {
  const TempDirectory directory;
  Options options = options_in(directory);
  options.project = "digits";
  options.tags = {"a", "b\"c"};
  options.config = {{"lr", "0.1"}, {"net", R"({"depth":3})"}};
  options.rank = 2;
  options.world_size = 4;
  options.facts = {{"python", "3.11"}};
  auto run = open_run(options);
  ASSERT_NE(run, nullptr);
  const Key loss = run->key("loss").value();
  for (int i = 0; i < 100; ++i) {
    const KeyMetric metric{loss, 1.0 / (i + 1)};
    ASSERT_TRUE(run->log(std::span(&metric, 1)));
  }
  ASSERT_TRUE(log(*run, {{"acc", 0.5}}, {.step = 200}));
  ASSERT_TRUE(run->update_config(std::vector<Metric>{{"lr", 0.2}}).ok());
  ASSERT_TRUE(run->update_summary(std::vector<Metric>{{"best", 7}, {"old", Value::removed()}}).ok());
  ASSERT_TRUE(run->define_metric({.name = "acc", .step_metric = "epoch", .step_sync = true, .summary = "max"}).ok());
  ASSERT_TRUE(run->update_run(std::vector<Metric>{{"notes", "better"}}).ok());
  ASSERT_TRUE(run->flush(kFlushWait).ok());
  const std::string run_directory = run->directory();
  const std::string stem = run->journal();
  EXPECT_EQ(run_directory, directory.path() + "/run");
  EXPECT_TRUE(stem.starts_with("run.r2.a0."));
  EXPECT_EQ(run->field("project"), "digits");
  EXPECT_EQ(run->field("rank"), "2");
  EXPECT_EQ(run->step(), 200);
  ASSERT_TRUE(is_ended(run->finish(3)));
  EXPECT_TRUE(run->finish(0).ok());
  EXPECT_FALSE(log(*run, {{"acc", 1}}));
  EXPECT_EQ(run->counts().accepted, 101U);
  EXPECT_EQ(run->counts().dropped, 1U);
  run.reset();
  ASSERT_TRUE(eventually([&] { return is_sealed(run_directory, stem) && rings_of(stem).empty(); }));

  const Collected journal = collect(run_directory, stem);
  ASSERT_EQ(journal.rows.size(), 101U);
  EXPECT_EQ(journal.rows[9].metrics.at("loss").number(), 0.1);
  EXPECT_EQ(journal.rows[100].step, 200);
  EXPECT_EQ(journal.config.at("lr").number(), 0.2);
  EXPECT_EQ(journal.config.at("net").text, R"({"depth":3})");
  EXPECT_EQ(journal.summary.at("best").bits, 7U);
  EXPECT_EQ(journal.summary.at("old").type, ValueType::kRemoved);
  EXPECT_EQ(journal.metric.at("step_metric").text, "epoch");
  EXPECT_EQ(journal.run.at("run_id").text, "run");
  EXPECT_EQ(journal.run.at("notes").text, "better");
  EXPECT_EQ(journal.run.at("tags").text, R"(["a","b\"c"])");
  EXPECT_EQ(journal.run.at("world_size").bits, 4U);
  EXPECT_EQ(journal.run.at("pid").bits, static_cast<std::uint64_t>(getpid()));
  EXPECT_EQ(journal.run.at("python").text, "3.11");
  EXPECT_FALSE(journal.run.contains("parent_journal"));
  ASSERT_EQ(journal.finishes.size(), 1U);
  EXPECT_EQ(journal.finishes[0].first.exit_code, 3);
  EXPECT_EQ(journal.finishes[0].second, 0);
  EXPECT_FALSE(journal.kinds.contains(Kind::kDeath));
}

// On a busy machine sealing may take longer than finish() waits: most of the runs is what can be asked for.
TEST(Run, IsSealedIntoOneFileWhenFinishReturns) {
  constexpr int kRuns = 20;
  int sealed_count = 0;
  for (int i = 0; i < kRuns; ++i) {
    const TempDirectory directory;
    auto run = open_run(options_in(directory));
    ASSERT_NE(run, nullptr);
    ASSERT_TRUE(log(*run, {{"loss", 0.5}}));
    const Status finished = run->finish(0);
    EXPECT_TRUE(finished.ok() || finished.code() == Code::kTimeout) << finished.message();
    if (is_sealed(run->directory(), run->journal())) ++sealed_count;
    EXPECT_TRUE(eventually([&] { return is_sealed(run->directory(), run->journal()); }));
  }
  EXPECT_GE(sealed_count, kRuns / 2);
}

TEST(Run, ClosedWithoutFinishSaysSo) {
  const TempDirectory directory;
  auto run = open_run(options_in(directory));
  ASSERT_NE(run, nullptr);
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  const std::string stem = run->journal();
  const std::string run_directory = run->directory();
  run.reset();
  ASSERT_TRUE(eventually([&] { return is_sealed(run_directory, stem); }));
  const Collected journal = collect(run_directory, stem);
  ASSERT_EQ(journal.finishes.size(), 1U);
  EXPECT_EQ(journal.finishes[0].second, kFinishNoExitCode);
}

TEST(Run, RefusesToOpenWhereNoJournalCanBeMadeAndLeavesNoRing) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/file") << "x";
  Options options = options_in(directory);
  options.directory = directory.path() + "/file";
  const auto run = Run::open(options);
  ASSERT_FALSE(run.ok());
  EXPECT_NE(run.status().message().find(options.directory), std::string::npos) << run.status().message();
  EXPECT_FALSE(run.status().message().empty());
}

TEST(Run, NamesTheProgramThatItCannotStart) {
  const TempDirectory directory;
  Options options = options_in(directory);
  options.keeper_path = directory.path() + "/no_such_program";
  const auto run = Run::open(options);
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.status().code(), Code::kNotFound);
  struct stat info;
  EXPECT_NE(stat((directory.path() + "/run").c_str(), &info), 0);
}

TEST(Run, FallsBackToAThreadIfNoKeeperCanBeStarted) {
  const TempDirectory directory;
  Options options = options_in(directory);
  options.keeper = KeeperMode::kAuto;
  options.keeper_path = "/bin/false";
  testing::internal::CaptureStderr();
  auto run = open_run(options);
  const std::string said = testing::internal::GetCapturedStderr();
  ASSERT_NE(run, nullptr);
  EXPECT_NE(said.find("wb: no keeper process"), std::string::npos) << said;
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  ASSERT_TRUE(run->flush(kFlushWait).ok());
  const std::string stem = run->journal();
  const std::string run_directory = run->directory();
  ASSERT_TRUE(run->finish(0).ok());
  run.reset();
  EXPECT_EQ(test::files_ending_in(run_directory, ".tail").size(), 1U);
  EXPECT_EQ(collect(run_directory, stem).rows.size(), 1U);
}

TEST(Run, KeepsApiKeysOutOfItsJournal) {
  const TempDirectory directory;
  ASSERT_EQ(setenv("WANDB_API_KEY", "c4n4ry-0123456789", 1), 0);
  Options options = options_in(directory);
  options.keeper = KeeperMode::kThread;  // Its tail is plain bytes to search.
  options.config = {{"args", R"({"key":"c4n4ry-0123456789"})"}};
  options.notes = "c4n4ry-0123456789";
  auto run = open_run(options);
  unsetenv("WANDB_API_KEY");
  ASSERT_NE(run, nullptr);
  ASSERT_TRUE(run->update_config(std::vector<Metric>{{"again", "c4n4ry-0123456789"}}).ok());
  ASSERT_TRUE(run->update_summary(std::vector<Metric>{{"key", "c4n4ry-0123456789"}}).ok());
  ASSERT_TRUE(run->finish(0).ok());
  const auto tails = test::files_ending_in(run->directory(), ".tail");
  ASSERT_EQ(tails.size(), 1U);
  std::ifstream tail(run->directory() + "/" + tails[0], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(tail)), std::istreambuf_iterator<char>());
  EXPECT_GT(bytes.size(), 500U);
  EXPECT_EQ(bytes.find("c4n4ry"), std::string::npos);
  EXPECT_NE(bytes.find("[redacted]"), std::string::npos);
}

/// The process that holds the run's ring as descriptor 3, which is how a keeper gets it. 0: there is none.
pid_t keeper_of(const Run& run) {
  const std::string ring = "/dev/shm/" + rings_of(run.journal()).at(0);
  pid_t keeper = 0;
  DIR* const processes = opendir("/proc");
  while (const dirent* entry = readdir(processes)) {
    std::array<char, 256> target{};
    const std::string link = std::string("/proc/") + entry->d_name + "/fd/3";
    if (readlink(link.c_str(), target.data(), target.size() - 1) > 0 && ring == target.data()) {
      keeper = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    }
  }
  closedir(processes);
  return keeper;
}

TEST(Run, GetsAnotherKeeperWhenItsOwnWasKilled) {
  const TempDirectory directory;
  auto run = open_run(options_in(directory));
  ASSERT_NE(run, nullptr);
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  ASSERT_TRUE(run->flush(kFlushWait).ok());
  const pid_t keeper = keeper_of(*run);
  ASSERT_GT(keeper, 1);
  ASSERT_EQ(kill(keeper, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return kill(keeper, 0) != 0; }));
  ASSERT_TRUE(log(*run, {{"a", 2}}));
  EXPECT_TRUE(run->flush(kFlushWait).ok());
  ASSERT_TRUE(log(*run, {{"a", 3}}));
  const std::string stem = run->journal();
  const std::string run_directory = run->directory();
  EXPECT_TRUE(is_ended(run->finish(0)));
  run.reset();
  ASSERT_TRUE(eventually([&] { return is_sealed(run_directory, stem); }));
  const Collected journal = collect(run_directory, stem);
  ASSERT_EQ(journal.rows.size(), 3U);
  std::uint64_t expected = 0;
  for (const std::uint64_t sequence : journal.sequences) EXPECT_EQ(sequence, ++expected);
}

TEST(Run, GetsAnotherKeeperWhileItWaitsForOneThatIsKilled) {
  const TempDirectory directory;
  auto run = open_run(options_in(directory));
  ASSERT_NE(run, nullptr);
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  ASSERT_TRUE(run->flush(kFlushWait).ok());
  const pid_t keeper = keeper_of(*run);
  ASSERT_GT(keeper, 1);
  ASSERT_EQ(kill(keeper, SIGSTOP), 0);
  ASSERT_TRUE(log(*run, {{"a", 2}}));
  EXPECT_EQ(run->flush(milliseconds(50)).code(), Code::kTimeout);
  std::thread killer([keeper] {
    std::this_thread::sleep_for(milliseconds(100));  // Any moment of the wait will do.
    kill(keeper, SIGKILL);
  });
  EXPECT_TRUE(run->flush(kFlushWait).ok());
  killer.join();
  EXPECT_TRUE(is_ended(run->finish(0)));
}

TEST(RunFork, AChildThatLogsGetsAJournalOfItsOwn) {
  const TempDirectory directory;
  Options options = options_in(directory);
  options.rank = 1;
  options.config = {{"lr", "0.1"}};
  auto run = open_run(options);
  ASSERT_NE(run, nullptr);
  const Key key = run->key("parent_key").value();
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  const std::string parent_stem = run->journal();
  const std::string parent_uuid = run->field("journal_uuid");
  ASSERT_TRUE(has_descriptor_of(parent_uuid));
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  // A thread that logs all the time: the fork finds locks and tables in any state.
  std::atomic<bool> is_over{false};
  std::thread busy([&] {
    for (int i = 0; !is_over; ++i) log(*run, {{"busy" + std::to_string(i % 1000), i}});
  });
  constexpr int kChildren = 20;
  for (int child = 0; child < kChildren; ++child) {
    const pid_t pid = fork();
    if (pid == 0) {
      const KeyMetric metric{key, child};
      bool is_well = run->log(std::span(&metric, 1));
      is_well &= log(*run, {{"a", 2}, {"child_key", 3}});
      is_well &= !has_descriptor_of(parent_uuid);
      is_well &= is_ended(run->finish(0));
      const std::string line = run->journal() + "\n";
      is_well &= write(report[1], line.data(), line.size()) == static_cast<ssize_t>(line.size());
      _exit(is_well ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  is_over = true;
  busy.join();
  close(report[1]);
  std::string stems;
  std::array<char, 4096> part;
  for (ssize_t got = 0; (got = read(report[0], part.data(), part.size())) > 0;) {
    stems.append(part.data(), static_cast<std::size_t>(got));
  }
  close(report[0]);
  ASSERT_TRUE(log(*run, {{"a", 9}}));
  const std::string run_directory = run->directory();
  ASSERT_TRUE(is_ended(run->finish(0)));
  const auto counts = run->counts();
  run.reset();
  std::istringstream lines(stems);
  int count = 0;
  for (std::string stem; std::getline(lines, stem); ++count) {
    SCOPED_TRACE(stem);
    EXPECT_NE(stem, parent_stem);
    ASSERT_TRUE(eventually([&] { return is_sealed(run_directory, stem); }));
    EXPECT_TRUE(stem.starts_with("run.r1.a0."));
    const Collected journal = collect(run_directory, stem);
    ASSERT_EQ(journal.rows.size(), 2U);
    EXPECT_EQ(journal.rows[0].metrics.at("parent_key").bits, static_cast<std::uint64_t>(count));
    EXPECT_EQ(journal.rows[1].metrics.at("child_key").bits, 3U);
    EXPECT_EQ(journal.run.at("parent_journal").text, parent_uuid);
    EXPECT_NE(journal.run.at("pid").bits, static_cast<std::uint64_t>(getpid()));
    EXPECT_TRUE(journal.config.empty());
  }
  EXPECT_EQ(count, kChildren);
  ASSERT_TRUE(eventually([&] { return is_sealed(run_directory, parent_stem); }));
  EXPECT_EQ(collect(run_directory, parent_stem).rows.size(), counts.accepted);
}

TEST(RunFork, AGrandchildOfAChildThatCouldNotOpenAJournalCountsItsRows) {
  const TempDirectory directory;
  auto run = open_run(options_in(directory));
  ASSERT_NE(run, nullptr);
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    if (log(*run, {{"a", 2}})) _exit(1);
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit(log(*run, {{"a", 3}}) || run->counts().dropped != 1 ? 1 : 0);
    int status = -1;
    waitpid(grandchild, &status, 0);
    _exit(status == 0 ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(is_ended(run->finish(0)));
}

TEST(RunFork, AChildFallsBackToAThreadToo) {
  const TempDirectory directory;
  Options options = options_in(directory);
  options.keeper = KeeperMode::kAuto;
  options.keeper_path = "/bin/false";
  auto run = open_run(options);
  ASSERT_NE(run, nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    // Well below the 5 s after which a missing keeper is looked for again.
    const bool is_well = log(*run, {{"a", 1}}) && run->flush(milliseconds(3'000)).ok();
    _exit(is_well ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(RunFork, AChildThatNeverLogsTouchesNothing) {
  const TempDirectory directory;
  auto run = open_run(options_in(directory));
  ASSERT_NE(run, nullptr);
  ASSERT_TRUE(log(*run, {{"a", 1}}));
  const pid_t pid = fork();
  if (pid == 0) {
    const bool is_well = run->flush(milliseconds(0)).ok() && run->finish(1).ok() && run->counts().accepted == 0;
    run.reset();
    _exit(is_well ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  ASSERT_TRUE(log(*run, {{"a", 2}}));
  const std::string run_directory = run->directory();
  const std::string stem = run->journal();
  ASSERT_TRUE(is_ended(run->finish(0)));
  run.reset();
  ASSERT_TRUE(eventually([&] { return is_sealed(run_directory, stem); }));
  const auto journals = list_journals(run_directory);
  ASSERT_TRUE(journals.ok());
  EXPECT_EQ(journals.value().size(), 1U);
  const Collected journal = collect(run_directory, stem);
  EXPECT_EQ(journal.rows.size(), 2U);
  EXPECT_EQ(journal.finishes.at(0).first.exit_code, 0);
}

}  // namespace
}  // namespace wb
