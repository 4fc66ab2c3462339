// Power cuts under real file systems: what was not on the disk yet is dropped while trainer and keeper work.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <thread>

#include "schema/journal/sqlite.h"
#include "tests/power/cases.h"
#include "tests/power/journal_check.h"
#include "tests/power/loop_device.h"
#include "tests/power/training.h"
#include "tests/support/journal_content.h"
#include "tests/support/keeper_process.h"
#include "tests/support/sandbox.h"

namespace wb::test {
namespace {

constexpr std::uint64_t kRows = 1500;
constexpr std::uint64_t kEndless = UINT64_MAX;

/// When the power goes.
enum class Moment : std::uint8_t { kAny, kAfterFlush, kInSwitchOfTails, kInSealing, kInFinish };
constexpr int kMomentCount = 5;

class Shutdown : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { enter_sandbox(); }

  Shutdown() {
    const std::string image = sandbox_directory("image") + "/disk";
    std::ofstream(image).close();
    std::filesystem::resize_file(image, 64U << 20);
    loop_.emplace(image);
    mount_path_ = sandbox_mount_point("mount");
  }

  void new_file_system() {
    mount_.reset();
    make_file_system(loop_->path(), GetParam(),
                     GetParam() == std::string("ext4") ? "-E nodiscard,lazy_itable_init=0,lazy_journal_init=0" : "");
    mount();
  }
  void mount() { mount_.emplace(loop_->path(), GetParam(), mount_path_, ""); }
  /// As after the machine's start: what the disk holds, and nothing else.
  void remount() {
    mount_->unmount();
    loop_->forget_cache();
    mount();
  }
  std::string runs() const { return mount_path_ + "/runs"; }

  /// Waits for this moment of the training, in which something was written before.
  void await(Moment moment, const Training& training) {
    const std::uint64_t rows = training.accepted_rows() + 100 + random_() % 400;
    const std::string directory = training.run_directory();
    ASSERT_TRUE(eventually([&] { return training.accepted_rows() >= std::min(rows, kRows); }));
    const std::uint64_t flushed_rows = training.acknowledged().rows;
    const std::size_t segment_count = files_ending_in(directory, ".wbj").size();
    const bool is_there = eventually([&] {
      switch (moment) {
        case Moment::kAny:
          return true;
        case Moment::kAfterFlush:
          return training.acknowledged().rows > flushed_rows;
        case Moment::kInSwitchOfTails:
          return files_ending_in(directory, ".tail").size() > 1;
        case Moment::kInSealing:
          return !files_ending_in(directory, ".tmp").empty() ||
                 files_ending_in(directory, ".wbj").size() > segment_count;
        case Moment::kInFinish:
          return training.accepted_rows() == kRows;
      }
      return false;
    });
    EXPECT_TRUE(is_there) << "moment " << static_cast<int>(moment) << " never came";
  }

  std::uint32_t seed_ = test_seed();
  std::mt19937 random_{seed_};
  std::optional<LoopDevice> loop_;
  std::string mount_path_;
  std::optional<MountedDisk> mount_;
};

std::uint64_t rows_of(Moment moment) {
  return moment == Moment::kInFinish ? kRows : kEndless;
}

TEST_P(Shutdown, KeepsAllThatWasAcknowledgedAsAPrefix) {
  constexpr int kCases = 2 * kMomentCount;
  CaseCount count(GetParam() + std::string(" shut down"));
  for (int i = 0; i < kCases; ++i) {
    const auto moment = static_cast<Moment>(i % kMomentCount);
    SCOPED_TRACE(testing::Message() << "case " << i);
    new_file_system();
    Training training({.directory = runs(), .seed = seed_, .rows = rows_of(moment)});
    training.let_log();
    await(moment, training);
    // Before the cut: a sync under way may still succeed in the processors, which a power cut stops and this one does
    // not.
    const Acknowledged acknowledged = training.acknowledged();
    mount_->shut_down();
    training.kill();
    remount();
    const JournalFound found = check_journal(runs() + "/run", seed_, acknowledged, Holes::kNone);
    EXPECT_EQ(found.fault + found.damage, "");
    count.add(!HasFailure());
  }
  EXPECT_EQ(count.total(), kCases);
}

// The machine lives, its storage lost what was not synced, and both processes were killed: all of it is in the ring.
TEST_P(Shutdown, IsMadeGoodFromTheRingWhereOnlyTheStorageLostItsPower) {
  constexpr int kCases = kMomentCount - 1;  // After the end there would be no ring.
  CaseCount count(GetParam() + std::string(" shut down, ring kept"));
  for (int i = 0; i < kCases; ++i) {
    const auto moment = static_cast<Moment>(i);
    SCOPED_TRACE(testing::Message() << "case " << i);
    new_file_system();
    Training training({.directory = runs(), .seed = seed_, .rows = kEndless});
    training.let_log();
    await(moment, training);
    mount_->shut_down();
    training.kill();
    const Acknowledged acknowledged = training.acknowledged();
    remount();
    training.rescue();
    const JournalFound found = check_journal(runs() + "/run", seed_, acknowledged, Holes::kNone);
    EXPECT_EQ(found.fault, "") << found.damage;
    EXPECT_EQ(found.last_sequence, training.ring().producer.accepted_sequence.load());
    EXPECT_TRUE(found.is_ended);
    EXPECT_TRUE(files_ending_in(runs() + "/run", ".tail").empty());
    EXPECT_FALSE(std::filesystem::exists(training.ring_path()));
    count.add(!HasFailure());
  }
  EXPECT_EQ(count.total(), kCases);
}

TEST_P(Shutdown, LosesNothingWhileTrainerAndKeeperLiveThroughIt) {
  new_file_system();
  Training training({.directory = runs(), .seed = seed_, .rows = kEndless});
  training.let_log();
  for (int cut_count = 0; cut_count < 2; ++cut_count) {
    await(Moment::kAny, training);
    mount_->shut_down();
    ASSERT_TRUE(eventually([&] { return training.ring().keeper.state.load() == KeeperState::kFailing; }));
    ASSERT_TRUE(eventually([&] { return mount_->try_unmount(); }));
    mount();
    ASSERT_TRUE(eventually([&] { return training.ring().keeper.state.load() == KeeperState::kReady; }));
  }
  training.let_finish();
  training.wait_for_end();
  const JournalFound found = check_journal(runs() + "/run", seed_, training.acknowledged(), Holes::kNone);
  EXPECT_EQ(found.fault, "") << found.damage;
  EXPECT_EQ(found.damage, "");
  EXPECT_EQ(found.rows, training.accepted_rows());
  EXPECT_TRUE(found.is_ended);
}

INSTANTIATE_TEST_SUITE_P(On, Shutdown, testing::Values("ext4", "xfs"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace wb::test
