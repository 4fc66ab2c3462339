// The ledger on real SQLite files: what is assigned stays, in order, once; a foreign file is refused.
#include "sync/ledger.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::TempDir;

const TargetKey kKey{"wandb", "http://h", "ent", "p", "run1"};

Uuid uuid(int number) {
  Uuid id;
  id.bytes[0] = static_cast<std::byte>(number);
  return id;
}

Batch batch(std::uint64_t first, std::uint64_t last, std::int64_t previous_step, std::vector<std::string> lines,
            int journal = 1) {
  Batch made;
  made.parts = {{.journal = uuid(journal), .first_sequence = first, .last_sequence = last}};
  made.previous_step = previous_step;
  made.last_step = previous_step + static_cast<std::int64_t>(lines.size());
  made.lines = std::move(lines);
  return made;
}

std::unique_ptr<Ledger> open_ledger(const TempDir& directory) {
  Result<std::unique_ptr<Ledger>> ledger = Ledger::open(directory.path() + "/.wbsync");
  EXPECT_TRUE(ledger.ok()) << ledger.status().message();
  return std::move(ledger).value();
}

TargetState new_target(Ledger& ledger) {
  Result<TargetState> state = ledger.upserted(kKey, "remote", Digest{});
  EXPECT_TRUE(state.ok()) << state.status().message();
  return state.value();
}

TEST(Ledger, RefusesTwoTargetsForOneRunOfTheServer) {
  const TempDir directory;
  const auto ledger = open_ledger(directory);
  new_target(*ledger);
  TargetKey without_entity = kKey;
  without_entity.entity = "";
  EXPECT_EQ(ledger->upserted(without_entity, "remote", Digest{}).status().code(), Code::kExists);
  EXPECT_TRUE(ledger->upserted(without_entity, "another", Digest{}).ok());
  EXPECT_TRUE(ledger->upserted(kKey, "remote", Digest{}).ok());
}

TEST(Ledger, KeepsAssignmentsCursorsAndRegistersAcrossOpenings) {
  const TempDir directory;
  TargetState state;
  {
    const auto ledger = open_ledger(directory);
    EXPECT_FALSE(ledger->find(kKey).value().has_value());
    state = new_target(*ledger);
    ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a", "b"})).ok());
    ASSERT_TRUE(ledger->assign(state.stream, batch(6, 9, 1, {"c"})).ok());
    ASSERT_TRUE(ledger->acknowledge(state, 0, 2, {{Register::kSummary, hash_lines({"s"})}}).ok());
  }
  const auto ledger = open_ledger(directory);
  const TargetState found = ledger->find(kKey).value().value();
  EXPECT_EQ(found.remote_entity, "remote");
  EXPECT_EQ(found.next_offset, 3U);
  EXPECT_EQ(found.acked_offset, 2U);
  EXPECT_EQ(found.last_step, 2);
  EXPECT_EQ(found.acknowledged.at(Register::kSummary), hash_lines({"s"}));
  EXPECT_EQ(ledger->cursors(state.stream).value().at(uuid(1)), 9U);
  const std::vector<AssignedBatch> left = ledger->unacknowledged(state.stream).value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].offset, 2U);
  EXPECT_EQ(left[0].payload_hash, hash_lines({"c"}));
  EXPECT_EQ(left[0].parts.at(0).first_sequence, 6U);
}

TEST(Ledger, RefusesToAssignARecordTwiceAndStaysAsItWas) {
  const TempDir directory;
  const auto ledger = open_ledger(directory);
  const TargetState state = new_target(*ledger);
  ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a"})).ok());
  for (const std::uint64_t first : {1U, 3U, 5U}) {
    EXPECT_EQ(ledger->assign(state.stream, batch(first, 8, 0, {"b"})).status().code(), Code::kInternal);
  }
  EXPECT_EQ(ledger->find(kKey).value()->next_offset, 1U);
  EXPECT_TRUE(ledger->assign(state.stream, batch(6, 8, 0, {"b"})).ok());
  EXPECT_TRUE(ledger->assign(state.stream, batch(1, 8, 1, {"c"}, 2)).ok());  // Another journal.
}

TEST(Ledger, RefusesABatchThatDoesNotFollowTheLastStep) {
  const TempDir directory;
  const auto ledger = open_ledger(directory);
  const TargetState state = new_target(*ledger);
  ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a"})).ok());
  EXPECT_EQ(ledger->assign(state.stream, batch(6, 8, 5, {"b"})).status().code(), Code::kInternal);
}

TEST(Ledger, AcknowledgesInOrderAndNeverBeyondWhatWasAssigned) {
  const TempDir directory;
  const auto ledger = open_ledger(directory);
  const TargetState state = new_target(*ledger);
  ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a", "b", "c"})).ok());
  EXPECT_EQ(ledger->acknowledge(state, 1, 2, {}).code(), Code::kInternal);
  EXPECT_EQ(ledger->acknowledge(state, 0, 4, {}).code(), Code::kInternal);
  EXPECT_TRUE(ledger->acknowledge(state, 0, 2, {}).ok());
  EXPECT_EQ(ledger->acknowledge(state, 0, 3, {}).code(), Code::kInternal);
  EXPECT_TRUE(ledger->acknowledge(state, 2, 3, {}).ok());
  EXPECT_TRUE(ledger->unacknowledged(state.stream).value().empty());
}

TEST(Ledger, TakesABatchWithoutLinesForItsCursor) {
  const TempDir directory;
  const auto ledger = open_ledger(directory);
  const TargetState state = new_target(*ledger);
  ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {})).ok());
  ASSERT_TRUE(ledger->assign(state.stream, batch(6, 7, -1, {"a"})).ok());
  EXPECT_EQ(ledger->unacknowledged(state.stream).value().size(), 1U);
  EXPECT_EQ(ledger->cursors(state.stream).value().at(uuid(1)), 7U);
}

// Method: each statement that would rewrite history, from a connection of somebody else.
TEST(Ledger, HistoryCannotBeRewrittenEvenByHand) {
  const TempDir directory;
  {
    const auto ledger = open_ledger(directory);
    const TargetState state = new_target(*ledger);
    ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a", "b"})).ok());
    ASSERT_TRUE(ledger->acknowledge(state, 0, 1, {}).ok());
    ASSERT_TRUE(ledger->quarantine(state.stream, {.offset = 1, .reason = "r", .line = "{}"}).ok());
  }
  Result<Database> database = Database::open(directory.path() + "/.wbsync/ledger.db", OpenMode::kReadWrite);
  ASSERT_TRUE(database.ok());
  int count = 0;
  for (const char* sql :
       {"UPDATE batch SET off = 7", "DELETE FROM batch", "UPDATE batch_part SET first_seq = 1",
        "DELETE FROM batch_part", "UPDATE stream SET next_off = 1", "UPDATE stream SET acked_off = 0",
        "UPDATE stream SET acked_off = 9", "UPDATE stream SET last_step = -1", "UPDATE quarantine SET line = 'x'",
        "DELETE FROM quarantine", "INSERT INTO quarantine SELECT * FROM quarantine"}) {
    EXPECT_EQ(database.value().execute(sql).code(), Code::kExists) << sql;
    ++count;
  }
  EXPECT_EQ(count, 11);
}

TEST(Ledger, RefusesAFileThatIsNotAsItWasMade) {
  int count = 0;
  for (const char* sql :
       {"CREATE TABLE extra(x)", "DROP TRIGGER batch_stays", "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON batch BEGIN DELETE FROM register; END", "PRAGMA user_version=0",
        "PRAGMA user_version=99", "UPDATE stream SET next_off = next_off + 1"}) {
    const TempDir directory;
    {
      const auto ledger = open_ledger(directory);
      const TargetState state = new_target(*ledger);
      ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a"})).ok());
    }
    const std::string path = directory.path() + "/.wbsync/ledger.db";
    {
      Result<Database> database = Database::open(path, OpenMode::kReadWrite);
      ASSERT_TRUE(database.value().execute(sql).ok()) << sql;
    }
    const auto refused = Ledger::open(directory.path() + "/.wbsync");
    ASSERT_FALSE(refused.ok()) << sql;
    EXPECT_NE(refused.status().message().find(path), std::string::npos) << refused.status().message();
    ++count;
  }
  EXPECT_EQ(count, 7);
}

TEST(Ledger, RefusesRandomBytesAndLinks) {
  const TempDir directory;
  const std::string state = directory.path() + "/.wbsync";
  ASSERT_TRUE(std::filesystem::create_directory(state));
  test::write_file(state + "/ledger.db", std::string(5000, 'x'));
  EXPECT_EQ(Ledger::open(state).status().code(), Code::kCorrupt);
  std::filesystem::remove(state + "/ledger.db");
  std::filesystem::create_symlink("/etc/passwd", state + "/ledger.db");
  EXPECT_FALSE(Ledger::open(state).ok());
}

TEST(Ledger, IsReadableByItsOwnerOnly) {
  const TempDir directory;
  const auto ledger = open_ledger(directory);
  struct stat info {};
  ASSERT_EQ(stat(ledger->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(Ledger, BelongsToOneWbsyncAtATimeAndNamesTheHolder) {
  const TempDir directory;
  {
    const auto ledger = open_ledger(directory);
    const auto second = Ledger::open(directory.path() + "/.wbsync");
    EXPECT_EQ(second.status().code(), Code::kTimeout);
    EXPECT_NE(second.status().message().find(std::to_string(getpid())), std::string::npos);
  }
  EXPECT_NE(open_ledger(directory), nullptr);
}

TEST(Ledger, CanBeReadWhileASyncIsAtWork) {
  const TempDir directory;
  EXPECT_TRUE(read_uploaded(directory.path() + "/.wbsync").value().empty());
  const auto ledger = open_ledger(directory);
  const TargetState state = new_target(*ledger);
  ASSERT_TRUE(ledger->assign(state.stream, batch(1, 5, -1, {"a", "b"})).ok());
  ASSERT_TRUE(ledger->acknowledge(state, 0, 1, {{Register::kEnd, Digest{}}}).ok());
  const auto uploaded = read_uploaded(directory.path() + "/.wbsync");
  ASSERT_TRUE(uploaded.ok()) << uploaded.status().message();
  ASSERT_EQ(uploaded.value().size(), 1U);
  EXPECT_EQ(uploaded.value()[0].key.run_id, "run1");
  EXPECT_EQ(uploaded.value()[0].assigned_count, 2U);
  EXPECT_EQ(uploaded.value()[0].acknowledged_count, 1U);
  EXPECT_TRUE(uploaded.value()[0].has_ended);
}

TEST(StateDirectory, IsThePathsOwnOrOneAboveButNeverInsideARun) {
  const TempDir directory;
  const std::string runs = directory.path() + "/runs";
  test::JournalMaker maker({.run_id = "one"});
  maker.row(0, {{"x", 1.0}});
  const std::string file = maker.write(runs);
  const std::string run = std::filesystem::path(file).parent_path().string();
  for (const std::string& path : {runs, runs + "/", run, run + "/", file}) {
    EXPECT_EQ(state_directory(path, ""), runs + "/.wbsync") << path;
  }
  std::filesystem::create_directory(directory.path() + "/.wbsync");
  for (const std::string& path : {directory.path(), runs, run, file}) {
    EXPECT_EQ(state_directory(path, ""), directory.path() + "/.wbsync") << path;
  }
  EXPECT_EQ(state_directory(run, "/elsewhere"), "/elsewhere");
}

}  // namespace
}  // namespace wb
