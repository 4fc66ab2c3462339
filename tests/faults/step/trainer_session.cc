// Between two instructions of the child everything else stands still, so a look at the ring is a look at what a SIGKILL
// at this point would leave.
#include "tests/faults/step/trainer_session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>

#include "schema/journal/journal_reader.h"
#include "tests/support/keeper_process.h"
#include "writer/clock.h"
#include "writer/ring_lock.h"

namespace wb::test {
namespace {

constexpr std::uint64_t kNoPoint = UINT64_MAX;
constexpr std::uint64_t kBeatPoints = 1024;  // Far less than the 5 s after which a keeper counts as dead.
constexpr std::int32_t kExitCode = 7;

CallBoard* make_board() {
  void* const place = ::mmap(nullptr, sizeof(CallBoard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) std::abort();
  return static_cast<CallBoard*>(place);
}

/// The ring among the child's open files.
std::string find_ring(pid_t child) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(child) + "/fd")) {
    std::error_code error;
    const std::string path = std::filesystem::read_symlink(entry.path(), error);
    if (path.ends_with(kRingNameSuffix)) return path;
  }
  return {};
}

}  // namespace

TrainerSession::TrainerSession(const Program& program, Random& random)
    : program_(program), random_(random), directory_(scratch_.path() + "/runs/run"), board_(make_board()) {
  child_.emplace([this] { run_program(); });
  ring_path_ = find_ring(child_->pid());
  ring_file_.reset(::open(ring_path_.c_str(), O_RDWR | O_CLOEXEC));
  auto ring = RingView::open(ring_file_.get());
  if (!ring.ok() || !lock_ring(ring_file_.get(), kKeeperLockByte)) std::abort();
  ring_ = std::move(ring).value();
  ring_->keeper().keeper_pid.store(::getpid(), std::memory_order_relaxed);
  ring_->keeper().heartbeat_ns.store(monotonic_ns(), std::memory_order_relaxed);
  auto keeper = Drain::open(*ring_);
  if (!keeper.ok()) std::abort();
  keeper_ = std::move(keeper).value();
  copy_.emplace(ring_file_.get());
  child_->watch(ring_path_);
}

TrainerSession::~TrainerSession() {
  child_.reset();
  ::unlink(ring_path_.c_str());
  ::munmap(board_, sizeof *board_);
}

/// The child. Everything but the calls themselves lies before the marks.
void TrainerSession::run_program() const {
  Options options;
  options.directory = scratch_.path() + "/runs";
  options.id = "run";
  options.ring_bytes = kRingBytesMin;
  options.keeper = KeeperMode::kProcess;
  options.keeper_path = WB_READY_KEEPER;
  auto run = Run::open(options);
  if (!run.ok()) {
    std::fprintf(stderr, "Run::open: %s\n", run.status().message().c_str());
    ::_exit(1);
  }
  ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);  // A dropped row is told to a person.
  Tracee::be_traced();
  std::map<std::string_view, Key> keys;
  std::vector<KeyMetric> keyed;
  for (std::size_t i = 0; i < program_.calls.size(); ++i) {
    const Call& call = program_.calls[i];
    keyed.clear();
    for (const Metric& metric : call.metrics) {
      if (call.kind == Call::Kind::kLogKeys) keyed.push_back({keys.at(metric.name), metric.value});
    }
    Tracee::mark();
    board_->begun.store(static_cast<std::uint32_t>(i + 1), std::memory_order_release);
    const bool is_accepted = log_one(*run.value(), call, keyed);
    board_->outcome[i].store(is_accepted ? CallBoard::kAccepted : CallBoard::kRefused, std::memory_order_release);
    board_->ended.store(static_cast<std::uint32_t>(i + 1), std::memory_order_release);
    if (call.kind == Call::Kind::kKey) keys[call.metrics[0].name] = run.value()->key(call.metrics[0].name).value();
  }
  ::_exit(0);
}

bool TrainerSession::log_one(Run& run, const Call& call, std::span<const KeyMetric> keyed) const {
  using std::chrono::seconds;
  switch (call.kind) {
    case Call::Kind::kLog:
      return run.log(call.metrics, call.options);
    case Call::Kind::kLogKeys:
      return run.log(keyed, call.options);
    case Call::Kind::kKey:
      return run.key(call.metrics[0].name).ok();
    case Call::Kind::kSummary:
      return run.update_summary(call.metrics).ok();
    case Call::Kind::kFlush:
      return run.flush(seconds(10)).ok();
    case Call::Kind::kFinish:
      return run.finish(kExitCode).ok();
  }
  return false;
}

bool TrainerSession::is_stepped(const Call& call) {
  if (call.pace != Call::Pace::kNearWrap) return call.pace == Call::Pace::kStepped;
  constexpr std::size_t kNearBytes = 5'000;  // A row of the program that steps near the wrap is shorter.
  const std::size_t at = ring_->producer().head.load(std::memory_order_acquire) & (copy_->data_bytes() - 1);
  return at < kNearBytes / 2 || at > copy_->data_bytes() - kNearBytes;
}

/// What the keeper does while the child prepares its next call.
std::string TrainerSession::before_call(const Call& call) {
  ring_->keeper().heartbeat_ns.store(monotonic_ns(), std::memory_order_relaxed);
  if (call.drain_first) {
    if (Status status = keeper_->round(); !status.ok()) return at("the keeper: " + status.message());
  }
  const bool waits_for_keeper = call.kind == Call::Kind::kFlush || call.kind == Call::Kind::kFinish;
  keeper_point_ = waits_for_keeper || random_() % 4 == 0 ? random_() % 600 : kNoPoint;
  point_in_call_ = 0;
  return {};
}

std::string TrainerSession::step_all(Tally& tally, std::uint64_t points_max) {
  std::string fault;
  while (fault.empty() && tally.points < points_max && child_->run_to_mark()) {
    const Call& call = program_.calls[ended()];
    fault = before_call(call);
    if (!fault.empty() || !is_stepped(call)) continue;
    copy_->copy_all();
    fault = step_call(tally);
  }
  child_->kill();
  ++tally.kills;
  return fault.empty() ? end_by_keeper() : fault;
}

std::string TrainerSession::step_call(Tally& tally) {
  const std::uint32_t index = ended();
  std::string fault;
  while (ended() == index) {
    if (!child_->step()) return at("the child ended");
    fault = check_point(tally);
    if (!fault.empty()) return fault;
    play_keeper(point_in_call_++);
  }
  // The ring may be as it was before the call returned; what must be in it is not.
  ++tally.recoveries;
  fault = at(recover().fault);
  return fault.empty() ? after_call(index) : fault;
}

std::string TrainerSession::check_point(Tally& tally) {
  ++tally.points;
  const RingCopy::Change change = copy_->update(program_.window_bytes);
  if (change == RingCopy::Change::kNone) return {};
  ++tally.states;
  if (change == RingCopy::Change::kBeyondHead && random_() % program_.recovery_rate != 0) return {};
  ++tally.recoveries;
  return at(recover().fault);
}

std::string TrainerSession::after_call(std::uint32_t index) {
  if (!copy_->is_same()) return at("bytes of the ring outside of the free space were changed");
  const Call& call = program_.calls[index];
  if (call.kind != Call::Kind::kFlush) return {};
  if (board_->outcome[index].load() != CallBoard::kAccepted) return at("the flush failed");
  // Durable: in the tail, without the ring.
  const auto journals = list_journals(directory_);
  if (!journals.ok() || journals.value().size() != 1) return at("the flush left no journal");
  const auto scan = read_journal(journals.value()[0], 0, [](const Frame&) { return true; });
  const std::uint64_t accepted = ring_->producer().accepted_sequence.load();
  return scan.ok() && scan.value().last_sequence == accepted ? "" : at("the flush left records in the ring only");
}

/// The keeper's round at a point of its own choice, as a living keeper makes it: the child then goes on.
void TrainerSession::play_keeper(std::uint64_t point_in_call) {
  if (point_in_call % kBeatPoints == 0) {
    ring_->keeper().heartbeat_ns.store(monotonic_ns(), std::memory_order_relaxed);
  }
  // Who waits for the keeper rings; the keeper hears it a little later.
  const bool is_asked = ring_->producer().sync_request.load() != ring_->keeper().synced_request.load();
  const bool is_due = point_in_call == keeper_point_ || (is_asked && point_in_call > keeper_point_);
  if (!is_due || keeper_->done()) return;
  static_cast<void>(keeper_->round());
  if (keeper_->finished()) keeper_->begin_end(std::nullopt);
  if (!keeper_->done()) return;
  ring_->report(KeeperState::kDone, Code::kOk, "");
  ring_->report(KeeperState::kSealed, Code::kOk, "");
}

/// What a new keeper makes of the copy, with the production drain. The journal is then as it was.
Verdict TrainerSession::recover() {
  copy_->copy_keeper();
  if (!copy_->is_whole_to_head()) return {.fault = "the head stands behind something that is no whole record"};
  auto ring = RingView::open(copy_->copy_fd());
  if (!ring.ok()) return {.fault = "the ring: " + ring.status().message()};
  auto drain = Drain::open(*ring.value());
  if (!drain.ok()) return {.fault = "a new keeper: " + drain.status().message()};
  drain.value()->begin_end(Death{.reason = "killed by the stepper", .exit_code = {}, .signal = SIGKILL});
  const Status status = drain.value()->round();
  Verdict verdict = check_journal(directory_, program_, *board_);
  if (verdict.fault.empty() && !status.ok()) verdict.fault = "a new keeper's round: " + status.message();
  for (const std::uint32_t number : drain.value()->take_completed()) {
    if (number > 0) ::unlink((directory_ + "/" + journal_file(ring_->stem(), number, FileKind::kTail)).c_str());
  }
  return verdict;
}

/// The child is dead, its keeper lives: it ends the journal.
std::string TrainerSession::end_by_keeper() {
  copy_.reset();
  keeper_->begin_end(Death{.reason = "killed by the stepper", .exit_code = {}, .signal = SIGKILL});
  while (!keeper_->done()) {
    if (Status status = keeper_->round(); !status.ok()) return at("the keeper's end: " + status.message());
  }
  return at(check_journal(directory_, program_, *board_).fault);
}

std::string TrainerSession::kill_somewhere(Tally& tally) {
  const std::size_t call_to_kill = random_() % program_.calls.size();
  // Half of the kills come early in a call, where most of the work on the ring is done.
  const std::uint64_t points_in_call = random_() % (random_() % 2 == 0 ? 600 : 20'000);
  while (child_->run_to_mark()) {
    const std::uint32_t index = ended();
    const Call& call = program_.calls[index];
    if (std::string fault = before_call(call); !fault.empty()) return fault;
    const bool is_last = index == call_to_kill;
    if (!is_last && call.kind != Call::Kind::kFlush && call.kind != Call::Kind::kFinish) continue;
    while (ended() == index && !(is_last && point_in_call_ == points_in_call)) {
      if (!child_->step()) return at("the child ended");
      play_keeper(point_in_call_++);
    }
    if (is_last) break;
  }
  return kill_and_rescue(tally);
}

std::string TrainerSession::kill_and_rescue(Tally& tally) {
  copy_->copy_all();
  const Verdict before = recover();
  child_->kill();
  ++tally.kills;
  keeper_.reset();
  // The rescuer looks into a folder of our own, so that it takes no other test's ring.
  const std::string rings = scratch_.path() + "/rings";
  std::filesystem::create_directory(rings);
  const std::string moved = rings + ring_path_.substr(ring_path_.rfind('/'));
  std::filesystem::rename(ring_path_, moved);
  ring_file_.reset();
  KeeperProcess rescue({WB_BINARY_DIR "/bin/wbkeep", "--rescue", rings}, -1,
                       [] { ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO); });
  if (const ProcessEnd end = rescue.wait(); end.exit_code != 0) return at("wbkeep --rescue: " + end.errors);
  if (std::filesystem::exists(moved)) return at("wbkeep --rescue left the ring");
  const Verdict after = check_journal(directory_, program_, *board_);
  if (!before.fault.empty() || !after.fault.empty()) return at(before.fault + " / " + after.fault);
  const bool is_same = before.record_count == after.record_count && before.digest == after.digest;
  return is_same ? std::string() : at("the rescue found other records than the recovery of the copy");
}

/// The fault with its place; nothing stays nothing.
std::string TrainerSession::at(const std::string& fault) const {
  if (fault.empty()) return {};
  return program_.name + ", call " + std::to_string(ended()) + ", point " + std::to_string(point_in_call_) + ": " +
         fault;
}

}  // namespace wb::test
