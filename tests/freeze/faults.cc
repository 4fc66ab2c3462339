// Real file systems where this kernel has the fault, a FUSE daemon where it has not.
#include "tests/freeze/faults.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <thread>

#include "schema/descriptor.h"
#include "tests/freeze/freezer.h"
#include "tests/freeze/fuse_daemon.h"
#include "tests/freeze/loop_disk.h"
#include "tests/support/sandbox.h"

namespace wb::test {
namespace {

using Trainers = std::vector<const TrainerProcess*>;

void signal_keepers(const Trainers& trainers, int signal) {
  for (const TrainerProcess* trainer : trainers) {
    const pid_t keeper = trainer->keeper();
    if (keeper > 0) ::kill(keeper, signal);
  }
}

class Frozen : public Fault {
 public:
  Frozen(const std::string& type, std::size_t mebibytes, int seconds) : disk_(type, mebibytes), seconds_(seconds) {}
  const std::string& directory() const override { return disk_.path(); }
  void begin(const Trainers&) override { freezer_.emplace(disk_.path(), seconds_ + kGraceSeconds); }
  void end() override { freezer_.reset(); }

 private:
  static constexpr int kGraceSeconds = 60;
  LoopDisk disk_;
  int seconds_;
  std::optional<Freezer> freezer_;
};

class StoppedDaemon : public Fault {
 public:
  ~StoppedDaemon() override { daemon_.go_on(); }
  const std::string& directory() const override { return daemon_.path(); }
  void begin(const Trainers&) override { daemon_.stop(); }
  void end() override { daemon_.go_on(); }

 private:
  FuseDaemon daemon_;
};

class Refusing : public Fault {
 public:
  explicit Refusing(int write_error, int read_error = 0) : write_error_(write_error), read_error_(read_error) {}
  const std::string& directory() const override { return daemon_.path(); }
  void begin(const Trainers&) override {
    daemon_.control().read_error.store(read_error_);
    daemon_.control().write_error.store(write_error_);
  }
  void end() override {
    daemon_.control().write_error.store(0);
    daemon_.control().read_error.store(0);
  }

 private:
  FuseDaemon daemon_;
  int write_error_;
  int read_error_;
};

class FullDisk : public Fault {
 public:
  const std::string& directory() const override { return disk_.path(); }
  void begin(const Trainers&) override {
    const Descriptor filler(::open(filler_path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (::write(filler.get(), block.data(), block.size()) > 0) {
    }
  }
  void end() override { std::filesystem::remove(filler_path()); }

 private:
  std::string filler_path() const { return disk_.path() + "/filler"; }
  LoopDisk disk_{"ext4", 64, {"-m", "0"}};
};

/// No file can be made; the keepers are killed, so that the next ones need one.
class NoInodes : public Fault {
 public:
  const std::string& directory() const override { return disk_.path(); }
  void begin(const Trainers& trainers) override {
    std::filesystem::create_directory(filler_path());
    for (int i = 0;; ++i) {
      const Descriptor file(::open((filler_path() + "/" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0600));
      if (!file.is_open()) break;
    }
    signal_keepers(trainers, SIGKILL);
  }
  void end() override { std::filesystem::remove_all(filler_path()); }

 private:
  std::string filler_path() const { return disk_.path() + "/filler"; }
  LoopDisk disk_{"ext4", 64, {"-N", "64"}};
};

class Healthy : public Fault {
 public:
  const std::string& directory() const override { return directory_; }

 private:
  std::string directory_ = sandbox_directory("healthy");
};

class StoppedKeeper : public Healthy {
 public:
  void begin(const Trainers& trainers) override {
    for (const TrainerProcess* trainer : trainers) keepers_.push_back(trainer->keeper());
    signal_keepers(trainers, SIGSTOP);
  }
  void end() override {
    for (const pid_t keeper : keepers_) ::kill(keeper, SIGCONT);
  }

 private:
  std::vector<pid_t> keepers_;
};

/// Killed again and again: whenever a trainer has a new one.
class KilledKeeper : public Healthy {
 public:
  ~KilledKeeper() override { end(); }
  void begin(const Trainers& trainers) override {
    killer_ = std::jthread([trainers](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        signal_keepers(trainers, SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
      }
    });
  }
  void end() override { killer_ = {}; }

 private:
  std::jthread killer_;
};

class BusyProcessors : public Healthy {
 public:
  ~BusyProcessors() override { end(); }
  void begin(const Trainers&) override {
    for (unsigned i = 0; i < 3 * std::thread::hardware_concurrency(); ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) asm volatile("");
      }
      spinners_.push_back(child);
    }
  }
  void end() override {
    for (const pid_t spinner : spinners_) {
      ::kill(spinner, SIGKILL);
      ::waitpid(spinner, nullptr, 0);
    }
    spinners_.clear();
  }

 private:
  std::vector<pid_t> spinners_;
};

template <typename T, typename... Arguments>
std::function<std::unique_ptr<Fault>(int)> made_of(Arguments... arguments) {
  return [arguments...](int) { return std::make_unique<T>(arguments...); };
}

std::function<std::unique_ptr<Fault>(int)> frozen(const char* type, std::size_t mebibytes) {
  return [=](int seconds) { return std::make_unique<Frozen>(type, mebibytes, seconds); };
}

}  // namespace

const std::vector<FaultKind>& fault_kinds() {
  static const std::vector<FaultKind> kKinds = {
      {.name = "ext4_frozen", .make = frozen("ext4", 64), .advice = "does not answer", .seconds = 5},
      {.name = "xfs_frozen", .make = frozen("xfs", 320), .advice = "does not answer", .seconds = 5},
      {.name = "fuse_stopped", .make = made_of<StoppedDaemon>(), .advice = "does not answer", .seconds = 5},
      {.name = "no_space", .make = made_of<FullDisk>(), .advice = "free space"},
      {.name = "no_inodes", .make = made_of<NoInodes>(), .advice = "keeper", .seconds = 7, .can_seal = false},
      {.name = "over_quota", .make = made_of<Refusing>(EDQUOT), .advice = "quota"},
      {.name = "io_error", .make = made_of<Refusing>(EIO), .advice = "file system"},
      {.name = "read_only", .make = made_of<Refusing>(EROFS), .advice = "make it writable"},
      {.name = "stale_handle", .make = made_of<Refusing>(ESTALE, ESTALE), .advice = "file system"},
      {.name = "keeper_stopped", .make = made_of<StoppedKeeper>(), .advice = "keeper", .seconds = 5},
      {.name = "keeper_killed", .make = made_of<KilledKeeper>(), .advice = "keeper", .seconds = 5},
      {.name = "processors_busy", .make = made_of<BusyProcessors>(), .advice = ""},
  };
  return kKinds;
}

}  // namespace wb::test
