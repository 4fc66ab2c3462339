// All that the trainer will ever publish lies in the ring from the start; the head, which is moved between the rounds,
// says how much of it has come.
#include "tests/faults/step/keeper_session.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "schema/tail_file.h"
#include "tests/support/keeper_process.h"
#include "writer/drain.h"
#include "writer/keeper/pack.h"
#include "writer/keeper/rescue.h"

namespace wb::test {
namespace {

constexpr timespec kNap{0, 5'000'000};
constexpr int kTornCuts = 6;

bool changes_files(std::uint64_t syscall) {
  switch (syscall) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_open:
    case SYS_openat:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rename:
    case SYS_renameat:
    case SYS_mkdir:
    case SYS_ftruncate:
    case SYS_fallocate:
      return true;
    default:
      return false;
  }
}

}  // namespace

KeeperSession::KeeperSession(KeeperPlan plan, Random& random)
    : plan_(std::move(plan)),
      random_(random),
      directory_(scratch_.path() + "/run"),
      goes_by_syscalls_(plan_.goes_by_syscalls) {
  std::filesystem::create_directory(scratch_.path() + "/rings");
  ring_ = std::make_unique<RingMaker>(directory_, kRingBytesMin, scratch_.path() + "/rings");
  if (plan_.is_rescue) ring_->header().identity.trainer_start_ticks = 1;
  publish_all();
  reveal(0);
  if (plan_.earlier != KeeperPlan::Earlier::kNone) play_earlier_keeper();
  child_.emplace([this] { run_keeper(); });
  marks_left_ = plan_.is_rescue ? 1 : plan_.round_count + 1;
  child_->run_to_mark();
}

KeeperSession::~KeeperSession() {
  child_.reset();
}

void KeeperSession::publish_all() {
  Published now;
  ring_->publish_start();
  for (int round = 0; round < plan_.round_count; ++round) {
    for (int i = 0; i < plan_.rows_per_round; ++i) ring_->publish_row(now.row_count++);
    now.drop_count += static_cast<std::uint64_t>(plan_.drops_per_round);
    now.head = ring_->header().producer.head.load();
    now.last_sequence = ring_->sequence();
    rounds_.push_back(now);
  }
  ring_->publish_finish(0);
  now.head = ring_->header().producer.head.load();
  now.last_sequence = ring_->sequence();
  now.has_finish = true;
  rounds_.push_back(now);
  std::string data(now.head, '\0');
  if (::pread(ring_->fd(), data.data(), data.size(), kRingHeaderBytes) != static_cast<ssize_t>(data.size())) {
    std::abort();
  }
  judge_.emplace(std::move(data), now, !plan_.is_rescue);
}

/// What round `round` finds. Every other round somebody waits for a sync.
void KeeperSession::reveal(int round) {
  round_ = std::min<int>(round, static_cast<int>(rounds_.size()) - 1);
  const Published& now = rounds_[static_cast<std::size_t>(round_)];
  RingProducer& trainer = ring_->header().producer;
  trainer.dropped_count.store(now.drop_count);
  trainer.accepted_sequence.store(now.last_sequence);
  trainer.head.store(now.head, std::memory_order_release);
  if (round_ % 2 == 0) ring_->request_sync();
}

/// An earlier keeper wrote the first round and died before it gave back the space.
void KeeperSession::play_earlier_keeper() {
  auto ring = RingView::open(ring_->fd());
  if (!ring.ok()) std::abort();
  RingKeeper& words = ring.value()->keeper();
  const std::uint64_t tail = words.tail.load();
  auto drain = Drain::open(*ring.value(), plan_.tail_bytes_max);
  if (!drain.ok() || !drain.value()->round().ok()) std::abort();
  words.tail.store(tail);
  if (plan_.earlier == KeeperPlan::Earlier::kKilled) return;
  words.durable_sequence.store(random_() % words.durable_sequence.load());
  words.state.store(KeeperState::kFailing);
}

void KeeperSession::run_keeper() const {
  Tracee::be_traced();
  Tracee::mark();
  if (plan_.is_rescue) {
    rescue_rings(ring_->folder(), -1);
  } else {
    make_rounds();
  }
  Tracee::mark();
  ::_exit(0);
}

/// As keep(). The marks are where the trainer publishes more.
void KeeperSession::make_rounds() const {
  auto ring = RingView::open(ring_->fd());
  if (!ring.ok()) ::_exit(1);
  auto opened = Drain::open(*ring.value(), plan_.tail_bytes_max);
  if (!opened.ok()) ::_exit(2);
  Drain& drain = *opened.value();
  const auto seal = [&] {
    for (const std::uint32_t number : drain.take_completed()) {
      if (!plan_.seals) continue;
      static_cast<void>(pack_tail({ring.value()->directory(), ring.value()->stem(), ring.value()->journal()}, number));
    }
  };
  for (int round = 0; round < plan_.round_count; ++round) {
    while (!drain.round().ok()) ::nanosleep(&kNap, nullptr);
    seal();
    Tracee::mark();
  }
  if (!plan_.ends) return;
  while (!drain.done()) {
    if (!drain.round().ok()) ::nanosleep(&kNap, nullptr);
    if (drain.finished()) drain.begin_end(std::nullopt);
  }
  ::unlink(ring_->path().c_str());
  ring.value()->report(KeeperState::kDone, Code::kOk, "");
  seal();
}

/// One instruction, or past a mark. False: the plan is over.
bool KeeperSession::move() {
  has_changed_files_ = false;
  if (child_->is_at_mark()) {
    if (!child_->run_to_mark() || --marks_left_ == 0) return false;
    reveal(round_ + 1);
    last_ = Remains::look(directory_, *ring_);
    return true;
  }
  if (goes_by_syscalls_) {
    const std::uint64_t number = child_->run_through_syscall();
    has_changed_files_ = changes_files(number);
    return child_->is_alive();
  }
  if (child_->is_at_syscall()) {
    has_changed_files_ = changes_files(child_->syscall_number());
    fail_if_planned();
  }
  return child_->step();
}

bool KeeperSession::is_planned(PlannedFault::Kind kind, int index) const {
  return std::any_of(plan_.faults.begin(), plan_.faults.end(),
                     [&](const PlannedFault& fault) { return fault.kind == kind && fault.index == index; });
}

void KeeperSession::fail_if_planned() {
  const std::uint64_t number = child_->syscall_number();
  if (number == SYS_fdatasync && is_planned(PlannedFault::Kind::kSync, sync_count_++)) child_->skip_syscall(-EIO);
  constexpr int kCount = 2;  // The third argument: how many bytes to write.
  const std::uint64_t bytes = child_->syscall_argument(kCount);
  if (number != SYS_write || bytes == kTailHeadBytes) return;
  const int index = write_count_++;
  if (std::exchange(next_write_fails_, false) || is_planned(PlannedFault::Kind::kWrite, index)) {
    child_->skip_syscall(-ENOSPC);
  } else if (is_planned(PlannedFault::Kind::kShort, index)) {
    child_->set_third_argument(bytes / 2);
    next_write_fails_ = true;
  }
}

bool KeeperSession::words_have_changed() {
  const void* const live = &ring_->header().keeper;
  if (std::memcmp(live, seen_words_.data(), seen_words_.size()) == 0) return false;
  std::memcpy(seen_words_.data(), live, seen_words_.size());
  return true;
}

std::string KeeperSession::judge_point(Tally& tally) {
  ++tally.points;
  const bool words_changed = words_have_changed();
  if (!has_changed_files_ && !words_changed) return {};
  Remains after = Remains::look(directory_, *ring_);
  std::string fault = judge_torn_writes(after, tally);
  if (fault.empty()) fault = judge(after, tally);
  last_ = std::move(after);
  return fault;
}

/// A SIGKILL can come in the middle of a write(): any first part of its bytes may be in the file.
std::string KeeperSession::judge_torn_writes(const Remains& after, Tally& tally) {
  for (const auto& [name, bytes] : after.files) {
    const std::size_t before = last_.files.contains(name) ? last_.files.at(name).size() : 0;
    if (!name.ends_with(".tail") || bytes.size() <= before + 1) continue;
    for (int i = 0; i < kTornCuts; ++i) {
      Remains torn = last_;
      torn.files[name] = bytes.substr(0, before + 1 + random_() % (bytes.size() - before - 1));
      if (std::string fault = judge(torn, tally); !fault.empty()) return "a torn write: " + fault;
    }
  }
  return {};
}

std::string KeeperSession::judge(const Remains& state, Tally& tally) {
  if (state.header.empty() || !judged_.insert(state.fingerprint()).second) return {};
  ++tally.states;
  ++tally.recoveries;
  return judge_->judge(state, now());
}

std::string KeeperSession::step_all(Tally& tally) {
  last_ = Remains::look(directory_, *ring_);
  std::string fault = judge(last_, tally);
  while (fault.empty() && move()) fault = judge_point(tally);
  child_->kill();
  ++tally.kills;
  return at(fault);
}

std::string KeeperSession::kill_somewhere(Tally& tally) {
  // Most of a keeper's instructions are between two changes: the kills come shortly behind one.
  std::uint64_t changes_left = random_() % 60;
  std::uint64_t points_left = random_() % 300;
  const bool is_quick = plan_.faults.empty();
  while (points_left > 0) {
    goes_by_syscalls_ = is_quick && changes_left > 0;
    if (!move()) break;
    const bool is_change = words_have_changed() || has_changed_files_;
    if (changes_left > 0) {
      changes_left -= is_change ? 1 : 0;
    } else {
      --points_left;
    }
  }
  child_->kill();
  ++tally.kills;
  if (!ring_->exists()) return at(KeeperJudge::check_complete(directory_, now()));
  ring_->header().identity.trainer_start_ticks = 1;  // The trainer ends too.
  KeeperProcess rescue({WB_BINARY_DIR "/bin/wbkeep", "--rescue", ring_->folder()}, -1,
                       [] { ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO); });
  if (const ProcessEnd end = rescue.wait(); end.exit_code != 0) return at("wbkeep --rescue: " + end.errors);
  if (ring_->exists()) return at("wbkeep --rescue left the ring");
  return at(KeeperJudge::check_complete(directory_, now()));
}

/// The fault with its place; nothing stays nothing.
std::string KeeperSession::at(const std::string& fault) const {
  if (fault.empty()) return {};
  return plan_.name + ", round " + std::to_string(round_) + ", " + std::to_string(sync_count_) + " syncs, " +
         std::to_string(write_count_) + " writes: " + fault;
}

}  // namespace wb::test
