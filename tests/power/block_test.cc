// Power cuts at the level of the disk: any state that unflushed writes may leave holds what was acknowledged.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <ostream>
#include <stdexcept>

#include "tests/power/cases.h"
#include "tests/power/disk.h"
#include "tests/power/journal_check.h"
#include "tests/power/loop_device.h"
#include "tests/power/power_cut.h"
#include "tests/power/training.h"
#include "tests/support/sandbox.h"

namespace wb::test {
namespace {

constexpr std::uint64_t kRows = 2000;
constexpr int kKeptDisksMax = 3;

struct FileSystem {
  const char* name;
  const char* kind;
  const char* mkfs_options;
  const char* mount_options;
  std::size_t bytes;
};
void PrintTo(const FileSystem& system, std::ostream* out) {
  *out << system.name;
}
constexpr const char* kExt4Options = "-E nodiscard,lazy_itable_init=0,lazy_journal_init=0";
constexpr FileSystem kFileSystems[] = {
    {"ext4", "ext4", kExt4Options, "", 24U << 20},
    {"ext4_writeback", "ext4", kExt4Options, "data=writeback,noauto_da_alloc", 24U << 20},
    {"xfs", "xfs", "", "", 64U << 20},
};

class PowerCuts : public testing::TestWithParam<FileSystem> {
 protected:
  static void SetUpTestSuite() { enter_sandbox(); }

  const FileSystem& system() const { return GetParam(); }

  DiskRecording record_training(Disk& disk) const {
    const LoopDevice loop(disk.path());
    make_file_system(loop.path(), system().kind, system().mkfs_options);
    MountedDisk mount(loop.path(), system().kind, sandbox_directory("mount"), system().mount_options);
    std::atomic<const Training*> opened{nullptr};
    disk.start_recording([&] {
      const Training* const training = opened.load();
      return training == nullptr ? Acknowledged{} : training->acknowledged();
    });
    Training training({.directory = mount.path() + "/runs", .seed = seed_, .rows = kRows});
    opened.store(&training);
    training.let_log();
    training.wait_for_end();
    mount.unmount();
    return disk.stop_recording();
  }

  /// Sets the disk to the state and mounts it, which replays the file system's journal. A file system may refuse a
  /// block of its own that is torn between sectors (EBADMSG); whole writes it must survive: `cut` is then one of those.
  MountedDisk mount_state(const LoopDevice& loop, Playback& playback, PowerCut& cut, Acknowledged& acknowledged) const {
    const auto mounted = [&] {
      acknowledged = playback.play(cut);
      loop.forget_cache();
      return MountedDisk(loop.path(), system().kind, mount_path_, system().mount_options);
    };
    if (cut.loss != Loss::kTornLast && cut.loss != Loss::kSomeTorn) return mounted();
    try {
      return mounted();
    } catch (const std::runtime_error& error) {
      std::cout << describe(cut) << ": " << error.what() << "; again with whole writes" << std::endl;
    }
    cut.loss = Loss::kSome;
    return mounted();
  }

  /// Reads the journal in the state.
  JournalFound check_state(const LoopDevice& loop, Playback& playback, PowerCut& cut,
                           Acknowledged& acknowledged) const {
    MountedDisk mount = mount_state(loop, playback, cut, acknowledged);
    JournalFound found = check_journal(mount.path() + "/runs/run", seed_, acknowledged, Holes::kNone);
    mount.unmount();
    return found;
  }

  std::uint32_t seed_ = test_seed();
  std::string mount_path_ = sandbox_directory("mount");
};

/// Outside of the sandbox, which goes with this process: a cut that failed cannot be had again from its seed alone.
std::string keep_disk(const std::string& path, const PowerCut& cut) {
  const std::string kept = testing::TempDir() + "wb-power-cut-" + std::to_string(cut.seed);
  std::filesystem::copy_file(path, kept);
  return kept;
}

// Method: all writes and flushes of a disk are recorded while a real training and its keeper work on it. Then the disk
// is set to what a power cut at any of these moments may leave, mounted and read.
TEST_P(PowerCuts, LeaveAllThatWasAcknowledgedAsAPrefixOfWhatWasLogged) {
  Disk disk(sandbox_directory("disk"), system().bytes);
  const DiskRecording recording = record_training(disk);
  std::size_t flush_count = 0;
  for (const DiskEvent& event : recording.events) flush_count += event.is_flush() ? 1 : 0;
  std::cout << recording.events.size() << " writes and flushes, " << flush_count << " of them flushes" << std::endl;
  ASSERT_GT(flush_count, 20U);  // Or there would be little to cut.
  ASSERT_GT(recording.events.size(), 2 * flush_count);

  Playback playback(recording, sandbox_directory("playback"));
  const LoopDevice loop(playback.path());
  CaseCount count(system().name);
  int kept_count = 0;
  std::size_t beyond_count = 0;  // States with more than what was acknowledged.
  for (PowerCut cut : choose_cuts(recording.events.size(), states_per_recording(), seed_)) {
    Acknowledged acknowledged;
    const JournalFound found = check_state(loop, playback, cut, acknowledged);
    beyond_count += found.sequence > acknowledged.sequence ? 1 : 0;
    count.add(found.fault.empty());
    if (found.fault.empty()) continue;
    const std::string kept = kept_count++ < kKeptDisksMax ? keep_disk(playback.path(), cut) : "not kept";
    ADD_FAILURE() << found.fault << "\n" << describe(cut) << "\n" << found.damage << "the disk: " << kept;
  }
  EXPECT_EQ(count.total(), states_per_recording());
  std::cout << beyond_count << " states with more than what was acknowledged" << std::endl;
}

INSTANTIATE_TEST_SUITE_P(On, PowerCuts, testing::ValuesIn(kFileSystems),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace wb::test
