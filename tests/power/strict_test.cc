// Power cuts on a file system that keeps only what was synced: what was acknowledged is there, as a prefix.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <random>

#include "tests/power/cases.h"
#include "tests/power/journal_check.h"
#include "tests/power/strict_disk.h"
#include "tests/power/training.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/sandbox.h"

namespace wb::test {
namespace {

class StrictPowerCuts : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_sandbox(); }
};

std::vector<StrictEvent> record_training(std::uint64_t seed, const std::set<int>& failing_syncs) {
  StrictDisk disk(sandbox_directory("strict"));
  disk.fail_syncs(failing_syncs);
  std::atomic<const Training*> opened{nullptr};
  disk.set_acknowledged([&] {
    const Training* const training = opened.load();
    return training == nullptr ? Acknowledged{} : training->acknowledged();
  });
  Training training({.directory = disk.path() + "/deep/runs", .seed = seed, .rows = 1000});
  opened.store(&training);
  training.let_log();
  training.wait_for_end();
  return disk.events();
}

/// After so many events the power goes: `count` moments all over, and as many just behind changes of names, which are
/// few and where an order matters most.
std::vector<std::size_t> choose_moments(const std::vector<StrictEvent>& events, std::size_t count) {
  std::vector<std::size_t> moments;
  for (std::size_t i = 0; i < count; ++i) moments.push_back(i * (events.size() + 1) / count);
  std::vector<std::size_t> behind_names;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!events[i].name.empty()) behind_names.push_back(i + 1);
  }
  for (std::size_t i = 0; i < count; ++i) moments.push_back(behind_names[i % behind_names.size()]);
  return moments;
}

void expect_acknowledged_after_cuts(const std::string& kind, const std::set<int>& failing_syncs) {
  constexpr std::size_t kMoments = 300;
  const std::uint32_t seed = test_seed();
  std::mt19937 random(seed);
  const std::vector<StrictEvent> events = record_training(seed, failing_syncs);
  ASSERT_GT(events.size(), 100U);  // Or there would be little to cut.
  const std::string left = sandbox_directory("left");
  CaseCount count(kind);
  std::size_t torn_count = 0;
  for (const std::size_t event_count : choose_moments(events, kMoments)) {
    std::filesystem::remove_all(left);
    cut_power(events, event_count, random).write_to(left);
    const Acknowledged acknowledged = events[std::min(event_count, events.size() - 1)].acknowledged;
    const JournalFound found = check_journal(left + "/deep/runs/run", seed, acknowledged, Holes::kNamed);
    torn_count += found.damage.empty() ? 0 : 1;
    count.add(found.fault.empty());
    EXPECT_EQ(found.fault, "") << "cut after " << event_count << " events\n" << found.damage;
  }
  EXPECT_EQ(count.total(), 2 * kMoments);
  EXPECT_GT(torn_count, 0U);
  std::cout << events.size() << " changes and syncs; " << torn_count << " states hold torn writes" << std::endl;
}

TEST_F(StrictPowerCuts, AnywhereKeepWhatWasAcknowledged) {
  expect_acknowledged_after_cuts("only what was synced", {});
}

TEST_F(StrictPowerCuts, AfterAFailedSyncThatNoSecondSyncRepairsKeepWhatWasAcknowledged) {
  expect_acknowledged_after_cuts("only what was synced, some syncs fail", {3, 9, 10, 25, 40});
}

// Method: trainer and keeper are killed at a random moment, the disk keeps what a power cut leaves, tails torn at any
// byte among it, and the next keeper goes on with the ring, which is as it was.
TEST_F(StrictPowerCuts, WithTheRingStillThereTheNextKeeperLosesNothingOfIt) {
  constexpr int kCases = 20;
  const std::uint32_t seed = test_seed();
  std::mt19937 random(seed);
  CaseCount count("only what was synced, ring kept");
  for (int i = 0; i < kCases; ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i);
    const std::string place = sandbox_directory("strict");
    auto disk = std::make_unique<StrictDisk>(place);
    Training training({.directory = place + "/runs", .seed = seed, .rows = UINT64_MAX});
    training.let_log();
    const std::uint64_t rows = 20 + random() % 500;
    ASSERT_TRUE(eventually([&] { return training.accepted_rows() >= rows; }));
    training.kill();
    const Acknowledged acknowledged = training.acknowledged();
    const std::vector<StrictEvent> events = disk->events();
    disk.reset();
    cut_power(events, events.size(), random).write_to(place);
    training.rescue();
    const JournalFound found = check_journal(place + "/runs/run", seed, acknowledged, Holes::kNamed);
    EXPECT_EQ(found.fault, "") << found.damage;
    EXPECT_EQ(found.last_sequence, training.ring().producer.accepted_sequence.load()) << found.damage;
    EXPECT_TRUE(found.is_ended);
    EXPECT_TRUE(files_ending_in(place + "/runs/run", ".tail").empty());
    count.add(!HasFailure());
  }
  EXPECT_EQ(count.total(), kCases);
}

}  // namespace
}  // namespace wb::test
