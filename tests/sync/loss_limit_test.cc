// Loss limit: which of the three limits `show` names for a journal, and that it names it to people and programs alike.
#include "sync/loss_limit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "schema/ring_layout.h"
#include "sync/commands/show.h"
#include "tests/support/journal_maker.h"

namespace wb {
namespace {

using test::JournalMaker;
using test::MakerOptions;
using test::TempDir;

TEST(LossLimit, FollowsTheLastRecordThenTheRingThenTheMachine) {
  const RingCounts ring{.accepted_sequence = 120, .written_sequence = 100, .durable_sequence = 90, .dropped_count = 0};
  struct Case {
    LossFacts facts;
    LossLimit limit;
    std::optional<std::int64_t> limit_ms;
    std::uint64_t waiting_count = 0;
  };
  const LossFacts gone{.state = RunState::kCrashed, .is_this_boot = true, .is_this_machine = true};
  LossFacts died = gone, with_ring = gone, other_boot = gone, elsewhere = gone, told_interval = gone, late_ring = gone;
  died.has_death = true;
  with_ring.ring = ring;
  with_ring.last_sequence = 100;
  late_ring.ring = ring;
  late_ring.last_sequence = 121;  // The hint in the ring may be one behind.
  other_boot.is_this_boot = false;
  other_boot.state = RunState::kLost;
  elsewhere = {.state = RunState::kLost};
  told_interval = {.state = RunState::kLost, .sync_interval_ms = 250};
  const Case cases[] = {
      {{.state = RunState::kFinished}, LossLimit::kNone, 0},
      {{.state = RunState::kFailed, .has_death = true}, LossLimit::kNone, 0},
      {{.state = RunState::kRunning, .ring = ring}, LossLimit::kNone, 0},
      {died, LossLimit::kTrainerKilled, 0},
      {with_ring, LossLimit::kTrainerKilled, 0, 20},
      {late_ring, LossLimit::kTrainerKilled, 0, 0},
      {gone, LossLimit::kStepKilled, kStepKilledLossMs},
      {other_boot, LossLimit::kPowerCut, std::nullopt},
      {elsewhere, LossLimit::kPowerCut, std::nullopt},
      {told_interval, LossLimit::kPowerCut, 250},
  };
  int checked = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(checked);
    const Loss loss = infer_loss(one.facts);
    EXPECT_EQ(loss.limit, one.limit);
    EXPECT_EQ(loss.limit_ms, one.limit_ms);
    EXPECT_EQ(loss.waiting_count, one.waiting_count);
    EXPECT_FALSE(loss.reason.empty());
    ++checked;
  }
  EXPECT_EQ(checked, 10);
}

std::string this_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

/// Of a process that is gone: a pid that none can have.
MakerOptions gone_process(const std::string& boot_id) {
  return {.fields = {{"boot_id", boot_id}, {"pid", "999999999"}, {"host", "elsewhere"}}};
}

struct Shown {
  nlohmann::json journal;
  std::string text;
};

Shown shown(const JournalMaker& maker) {
  const TempDir directory;
  maker.write(directory.path());
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_show({.run = "run1", .path = directory.path()}), ExitCode::kOk);
  Shown result;
  result.text = testing::internal::GetCapturedStdout();
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_show({.run = "run1", .path = directory.path(), .json = true}), ExitCode::kOk);
  result.journal = nlohmann::json::parse(testing::internal::GetCapturedStdout())["journals"][0];
  return result;
}

TEST(LossLimit, IsShownForAProcessThatDiedWithItsKeeper) {
  JournalMaker maker(gone_process(this_boot()));
  maker.row(0, {{"loss", 0.5}});
  const Shown step = shown(maker);
  EXPECT_NE(step.text.find("lost     at most the last 10 ms: "), std::string::npos) << step.text;
  EXPECT_EQ(step.journal["limit_applied"], "step_killed");
  EXPECT_EQ(step.journal["limit_applied_ms"], 10);
  maker.death(9);
  const Shown trainer = shown(maker);
  EXPECT_NE(trainer.text.find("lost     nothing that was accepted: "), std::string::npos) << trainer.text;
  EXPECT_EQ(trainer.journal["limit_applied"], "trainer_killed");
  EXPECT_EQ(trainer.journal["limit_applied_ms"], 0);
}

TEST(LossLimit, IsTheSyncIntervalForAMachineThatIsGone) {
  JournalMaker maker(gone_process("00000000-0000-0000-0000-000000000000"));
  maker.row(0, {{"loss", 0.5}});
  const Shown power = shown(maker);
  EXPECT_NE(power.text.find("lost     at most the sync interval (1 s on a local"), std::string::npos) << power.text;
  EXPECT_EQ(power.journal["limit_applied"], "power_cut");
  EXPECT_TRUE(power.journal["limit_applied_ms"].is_null());
  maker.finish(0);
  const Shown finished = shown(maker);
  EXPECT_NE(finished.text.find("lost     nothing: "), std::string::npos) << finished.text;
  EXPECT_EQ(finished.journal["limit_applied"], "none");
}

/// A ring's header under /dev/shm that says how far its trainer had come; removed with its scope.
class RingFile {
 public:
  RingFile(const Uuid& journal, std::uint64_t accepted_sequence)
      : path_("/dev/shm/" + std::string(kRingNamePrefix) + std::to_string(::geteuid()) + "-" + journal.hex() +
              kRingNameSuffix) {
    const auto header = std::make_unique<RingHeader>();
    std::memcpy(header->identity.magic, kRingMagic, sizeof kRingMagic);
    header->identity.version = kRingVersion;
    std::memcpy(header->identity.journal_uuid, journal.bytes.data(), journal.bytes.size());
    header->producer.accepted_sequence = accepted_sequence;
    test::write_file(path_, {reinterpret_cast<const char*>(header.get()), sizeof *header});
  }
  ~RingFile() { ::unlink(path_.c_str()); }
  RingFile(const RingFile&) = delete;
  RingFile& operator=(const RingFile&) = delete;

 private:
  std::string path_;
};

TEST(LossLimit, IsNothingWhileTheRingIsThereAndSaysHowManyRecordsWaitInIt) {
  MakerOptions options = gone_process(this_boot());
  options.seed = std::random_device()();
  JournalMaker maker(options);
  maker.row(0, {{"loss", 0.5}});
  const RingFile ring(maker.uuid(), maker.last_sequence() + 7);
  const Shown waiting = shown(maker);
  EXPECT_NE(waiting.text.find("7 records wait in the ring on this machine"), std::string::npos) << waiting.text;
  EXPECT_EQ(waiting.journal["limit_applied"], "trainer_killed");
  EXPECT_EQ(waiting.journal["waiting_in_ring"], 7);
}

}  // namespace
}  // namespace wb
