// The producer: steps and commits, names, limits, drops, threads and signal handlers, read back from the ring.
#include "writer/producer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "tests/writer/collected.h"
#include "writer/clock.h"

namespace wb {
namespace {

using test::collect;
using test::Collected;

/// A ring without a keeper and its producer. Nobody else sees the ring: its name is removed at once.
struct Fixture {
  explicit Fixture(std::size_t data_bytes = kRingBytesMin, std::int64_t wait_ms = 0)
      : ring(make_ring(data_bytes)), producer(ring, wait_ms) {}

  static Ring make_ring(std::size_t data_bytes) {
    RingRequest request;
    request.journal.bytes[0] = std::byte{1};
    request.journal.bytes[15] = static_cast<std::byte>(getpid());
    request.journal.bytes[14] = static_cast<std::byte>(getpid() >> 8);
    request.data_bytes = data_bytes;
    request.directory = "/nowhere";
    request.stem = "run.r0.a0.01000000";
    auto ring = Ring::create(request);
    EXPECT_TRUE(ring.ok()) << ring.status().message();
    ring.value().unlink();
    return std::move(ring).value();
  }

  bool log(std::initializer_list<Metric> metrics, const LogOptions& options = {}) {
    return producer.log(std::span(metrics.begin(), metrics.size()), options).accepted;
  }
  /// As a keeper that wrote everything.
  void drain() {
    RingKeeper& keeper = ring.header().keeper;
    keeper.tail.store(ring.header().producer.head.load(std::memory_order_acquire), std::memory_order_release);
    keeper.last_advance_ns.store(monotonic_ns(), std::memory_order_relaxed);
  }
  void make_keeper_look_stuck() {
    ring.header().keeper.last_advance_ns.store(monotonic_ns() - 1'000'000'000, std::memory_order_relaxed);
  }

  Ring ring;
  Producer producer;
};

TEST(Producer, PlacesRowsBySteps) {
  struct Call {
    LogOptions options;
    std::int64_t step;
    int flags;
    std::int64_t next_step;
  };
  constexpr int kLate = kRowExplicitStep | kRowOutOfOrder | kRowCommit;
  const Call calls[] = {
      {{}, 0, kRowCommit, 1},
      {{.commit = false}, 1, 0, 1},
      {{}, 1, kRowCommit, 2},
      {{.step = 5}, 5, kRowExplicitStep, 5},
      {{.step = 5}, 5, kRowExplicitStep, 5},
      {{}, 5, kRowCommit, 6},
      {{.step = 6, .commit = true}, 6, kRowExplicitStep | kRowCommit, 7},
      {{.step = 3}, 3, kLate, 7},
      {{.step = 3, .commit = false}, 3, kLate, 7},
      {{.step = 9}, 9, kRowExplicitStep, 9},
      {{.step = -1}, -1, kLate, 9},
      {{.step = std::numeric_limits<std::int64_t>::max(), .commit = true},
       std::numeric_limits<std::int64_t>::max(),
       kRowExplicitStep | kRowCommit,
       std::numeric_limits<std::int64_t>::max()},
  };
  Fixture f;
  for (const Call& call : calls) {
    ASSERT_TRUE(f.log({{"a", 1}}, call.options));
    EXPECT_EQ(f.producer.step(), call.next_step);
  }
  const Collected collected = collect(f.ring);
  ASSERT_EQ(collected.rows.size(), std::size(calls));
  for (std::size_t i = 0; i < std::size(calls); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(collected.rows[i].step, calls[i].step);
    EXPECT_EQ(collected.rows[i].flags, calls[i].flags);
  }
}

TEST(Producer, KeepsValuesBitForBit) {
  Fixture f;
  const double nan = std::bit_cast<double>(0x7FF8'0000'0000'BEEF);
  ASSERT_TRUE(f.log({{"nan", nan},
                     {"zero", -0.0},
                     {"int", std::numeric_limits<std::int64_t>::min()},
                     {"uint", std::numeric_limits<std::uint64_t>::max()},
                     {"flag", true},
                     {"text", "a\0b"},
                     {"empty", ""},
                     {"json", Value::json("[NaN]")},
                     {"null", Value::null()}}));
  const auto metrics = collect(f.ring).rows.at(0).metrics;
  ASSERT_EQ(metrics.size(), 9U);
  EXPECT_EQ(metrics.at("nan").bits, 0x7FF8'0000'0000'BEEF);
  EXPECT_EQ(metrics.at("zero").bits, 0x8000'0000'0000'0000);
  EXPECT_EQ(metrics.at("int").bits, 0x8000'0000'0000'0000);
  EXPECT_EQ(metrics.at("int").type, ValueType::kInt64);
  EXPECT_EQ(metrics.at("uint").type, ValueType::kUint64);
  EXPECT_EQ(metrics.at("flag").type, ValueType::kBool);
  EXPECT_EQ(metrics.at("text").text, "a");
  EXPECT_EQ(metrics.at("empty").type, ValueType::kString);
  EXPECT_EQ(metrics.at("json").text, "[NaN]");
  EXPECT_EQ(metrics.at("null").type, ValueType::kNull);
}

TEST(Producer, AnnouncesEachNameOnceAndBeforeItsFirstRow) {
  Fixture f;
  const auto key = f.producer.key("b");
  ASSERT_TRUE(key.ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(f.log({{"a", i}, {"b", i}}));
  ASSERT_TRUE(f.log({{"b", 3}, {"a", 3}}));
  const KeyMetric metric{key.value(), 4};
  ASSERT_TRUE(f.producer.log(std::span(&metric, 1), {}).accepted);
  const Collected collected = collect(f.ring);
  EXPECT_EQ(collected.kinds.at(Kind::kKey), 2);
  EXPECT_EQ(collected.rows.at(3).metrics.at("b").bits, 3U);
  EXPECT_EQ(collected.rows.at(4).metrics.at("b").bits, 4U);
  std::uint64_t expected = 0;
  for (const std::uint64_t sequence : collected.sequences) EXPECT_EQ(sequence, ++expected);
}

TEST(Producer, RefusesWhatIsNoRowAndCountsIt) {
  Fixture f;
  const std::string long_name(kKeyBytesMax + 1, 'n');
  const std::string long_text(kScalarRecordBytesMax, 't');
  const KeyMetric unknown{{77}, 1};
  EXPECT_FALSE(f.log({{"", 1}}));
  EXPECT_FALSE(f.log({{long_name, 1}}));
  EXPECT_FALSE(f.log({{"a", Value::removed()}}));
  EXPECT_FALSE(f.log({{"a", 1}, {"text", std::string_view(long_text)}}));
  EXPECT_FALSE(f.producer.log(std::span(&unknown, 1), {}).accepted);
  EXPECT_EQ(f.producer.counts().dropped, 5U);
  EXPECT_EQ(f.producer.counts().accepted, 0U);
  EXPECT_EQ(f.ring.header().producer.dropped_first_step, 0);
  EXPECT_EQ(f.ring.header().producer.dropped_last_step, 4);
  EXPECT_EQ(f.producer.step(), 5);
  EXPECT_TRUE(collect(f.ring).rows.empty());
}

TEST(Producer, SplitsALongRowIntoPartsThatOnlyTheLastCommits) {
  Fixture f;
  std::vector<std::string> names;
  std::vector<Metric> row;
  const std::string text(1000, 'x');
  for (int i = 0; i < 400; ++i) names.push_back("key" + std::to_string(i));
  for (std::size_t i = 0; i < names.size(); ++i) row.push_back({names[i], std::string_view(text)});
  ASSERT_TRUE(f.producer.log(std::span<const Metric>(row), {.step = 3, .commit = true}).accepted);
  const Collected collected = collect(f.ring);
  ASSERT_GE(collected.rows.size(), 400'000 / kScalarRecordBytesMax);
  std::set<std::string> seen;
  for (const auto& part : collected.rows) {
    const bool is_last = &part == &collected.rows.back();
    EXPECT_EQ(part.step, 3);
    EXPECT_EQ(part.flags, kRowExplicitStep | (is_last ? kRowCommit : 0));
    for (const auto& [name, value] : part.metrics) {
      EXPECT_EQ(value.text, text);
      EXPECT_TRUE(seen.insert(name).second);
    }
  }
  EXPECT_EQ(seen.size(), 400U);
  EXPECT_EQ(f.producer.counts().accepted, 1U);
}

TEST(Producer, DropsARowThatIsLargerThanTheRingWithoutPublishingAnyPart) {
  Fixture f;
  const std::string text(60'000, 'x');
  std::vector<std::string> names;
  std::vector<Metric> row;
  for (int i = 0; i < 20; ++i) names.push_back("key" + std::to_string(i));
  for (const std::string& name : names) row.push_back({name, std::string_view(text)});
  EXPECT_FALSE(f.producer.log(std::span<const Metric>(row), {}).accepted);
  EXPECT_TRUE(collect(f.ring).rows.empty());
  EXPECT_EQ(f.producer.counts().dropped, 1U);
}

TEST(Producer, CountsEveryDropOfAFullRingAndNamesTheSteps) {
  Fixture f;
  f.make_keeper_look_stuck();
  std::int64_t accepted = 0;
  while (f.log({{"a", accepted}})) ++accepted;
  for (int i = 0; i < 99; ++i) EXPECT_FALSE(f.log({{"a", 0}}));
  EXPECT_EQ(f.producer.counts().accepted, static_cast<std::uint64_t>(accepted));
  EXPECT_EQ(f.producer.counts().dropped, 100U);
  EXPECT_EQ(f.ring.header().producer.dropped_count, 100U);
  EXPECT_EQ(f.ring.header().producer.dropped_first_step, accepted);
  EXPECT_EQ(f.ring.header().producer.dropped_last_step, accepted + 99);
  const std::uint64_t used = f.ring.header().producer.head;
  EXPECT_LE(used, f.ring.data_bytes() - kRingReservedBytes);
  EXPECT_EQ(collect(f.ring).rows.size(), static_cast<std::size_t>(accepted));

  // Control records still fit; after the drain rows do too, at the steps that they would have had.
  EXPECT_TRUE(f.producer.add_map(Kind::kConfig, std::vector<Metric>{{"lr", 0.1}}).ok());
  f.ring.header().keeper.dropped_recorded.store(100, std::memory_order_relaxed);
  f.drain();
  EXPECT_TRUE(f.log({{"a", 0}}));
  EXPECT_EQ(f.producer.step(), accepted + 101);
  // The next range starts anew, since a gap record names the first.
  f.make_keeper_look_stuck();
  while (f.log({{"a", 0}})) {
  }
  EXPECT_EQ(f.ring.header().producer.dropped_first_step, f.producer.step() - 1);
}

TEST(Producer, RingsTheDoorbellWhenItWaitsForRoomAndNotBefore) {
  Fixture f;
  std::int64_t accepted = 0;
  f.ring.header().keeper.last_advance_ns.store(INT64_MAX / 2, std::memory_order_relaxed);  // Busy, for ever.
  while (f.log({{"a", accepted}})) {
    ASSERT_EQ(f.ring.header().producer.doorbell, 0U);
    ++accepted;
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_EQ(f.ring.header().producer.doorbell, 1U);  // Once for all its looks.
  EXPECT_FALSE(f.log({{"a", 0}}));
  EXPECT_EQ(f.ring.header().producer.doorbell, 2U);
  f.make_keeper_look_stuck();
  EXPECT_FALSE(f.log({{"a", 0}}));
  EXPECT_EQ(f.ring.header().producer.doorbell, 2U);  // Nobody is waited for.
}

TEST(Producer, WrapsAroundTheRingWithWholeFrames) {
  Fixture f;
  std::uint64_t from = 0;
  int rows = 0;
  while (from < 5 * f.ring.data_bytes()) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(f.log({{"a", i}, {"text", "0123456789"}}));
    if (from == 0) {
      rows += static_cast<int>(collect(f.ring).rows.size());
    } else {
      // Keys were announced in the first lap.
      const std::uint64_t head = f.ring.header().producer.head;
      for (std::uint64_t at = from; at < head;) {
        const auto frame = read_frame({f.ring.data() + (at & (f.ring.data_bytes() - 1)), head - at}, 1);
        ASSERT_TRUE(frame.ok()) << frame.status().message();
        at += frame_bytes(frame.value().payload.size());
        ++rows;
      }
    }
    from = f.ring.header().producer.head;
    f.drain();
  }
  EXPECT_EQ(static_cast<std::uint64_t>(rows), f.producer.counts().accepted);
  EXPECT_GT(rows, 40'000);
}

TEST(Producer, WaitsForRoomOnlyIfAsked) {
  Fixture f(kRingBytesMin, 10'000);
  f.make_keeper_look_stuck();
  int rows = 0;
  const auto is_full = [&f] {
    const std::uint64_t end = f.ring.header().producer.head + frame_bytes(row_bytes(1, 0));
    return end + kRingReservedBytes > f.ring.data_bytes();
  };
  for (; !is_full(); ++rows) ASSERT_TRUE(f.log({{"a", rows}}));
  std::thread keeper([&f] { f.drain(); });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(f.log({{"a", i}}));
  keeper.join();
  EXPECT_EQ(f.producer.counts().dropped, 0U);
}

TEST(Producer, AcceptsNothingAfterTheFinishAndCountsIt) {
  Fixture f;
  ASSERT_TRUE(f.log({{"a", 1}}));
  ASSERT_TRUE(f.producer.add_finish(3, 0).ok());
  EXPECT_FALSE(f.log({{"a", 2}}));
  EXPECT_EQ(f.producer.key("new").status().code(), Code::kClosed);
  EXPECT_EQ(f.producer.add_map(Kind::kConfig, std::vector<Metric>{{"a", 1}}).code(), Code::kClosed);
  EXPECT_EQ(f.producer.add_finish(0, 0).code(), Code::kClosed);
  EXPECT_EQ(f.producer.counts().dropped, 1U);
  EXPECT_EQ(f.ring.header().producer.dropped_count, 0U);  // The journal is complete: no gap.
  EXPECT_EQ(f.ring.header().producer.trainer_state, TrainerState::kFinished);
  const Collected collected = collect(f.ring);
  ASSERT_EQ(collected.finishes.size(), 1U);
  EXPECT_EQ(collected.finishes[0].first.exit_code, 3);
}

TEST(Producer, KeepsEachRowOfEightThreadsOnce) {
  constexpr int kThreads = 8;
  constexpr int kRows = 2'000;
  Fixture f(std::size_t{16} << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&f, t] {
      const std::string own = "own" + std::to_string(t);
      for (int i = 0; i < kRows; ++i) EXPECT_TRUE(f.log({{"thread", t}, {"i", i}, {own, i}}));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Collected collected = collect(f.ring);
  ASSERT_EQ(collected.rows.size(), static_cast<std::size_t>(kThreads * kRows));
  std::vector<std::uint64_t> next(kThreads, 0);
  std::int64_t step = 0;
  std::int64_t last_ns = 0;
  for (const auto& row : collected.rows) {
    const auto thread = row.metrics.at("thread").bits;
    EXPECT_EQ(row.metrics.at("i").bits, next.at(thread)++);
    EXPECT_EQ(row.step, step++);
    EXPECT_LE(last_ns, row.time.mono_ns);
    EXPECT_EQ(row.time.mono_ns % 1000, 0);  // Whole microseconds, as FORMAT.md says.
    last_ns = row.time.mono_ns;
  }
  EXPECT_EQ(collected.keys.size(), 2U + kThreads);
}

Producer* handler_producer = nullptr;
Key handler_key;
std::atomic<std::uint64_t> handler_accepted{0};
std::atomic<std::uint64_t> handler_refused{0};

void log_in_handler(int) {
  const KeyMetric metric{handler_key, 1};
  (handler_producer->log(std::span(&metric, 1), {}).accepted ? handler_accepted : handler_refused).fetch_add(1);
}

TEST(Producer, LogsFromASignalHandlerOrCountsADropButNeverWaitsForItself) {
  Fixture f(std::size_t{64} << 20);
  handler_producer = &f.producer;
  handler_key = f.producer.key("from_handler").value();
  const Key key = f.producer.key("from_loop").value();
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = log_in_handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, &before);
  const itimerval storm{{0, 50}, {0, 50}};
  setitimer(ITIMER_REAL, &storm, nullptr);
  std::uint64_t rows = 0;
  std::uint64_t loop_refused = 0;
  while (handler_accepted + handler_refused < 2'000 || handler_refused == 0) {
    const KeyMetric metric{key, static_cast<std::int64_t>(rows)};
    if (!f.producer.log(std::span(&metric, 1), {}).accepted) {
      ++loop_refused;  // A fast machine fills the ring first.
      break;
    }
    ++rows;
  }
  const itimerval stop{};
  setitimer(ITIMER_REAL, &stop, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  EXPECT_GT(handler_accepted, 0U);
  EXPECT_GT(handler_refused, 0U) << "the handler never met a held lock: the test proved nothing";
  EXPECT_EQ(f.producer.counts().accepted, rows + handler_accepted);
  EXPECT_EQ(f.ring.header().producer.dropped_count, handler_refused + loop_refused);
  EXPECT_EQ(collect(f.ring).rows.size(), rows + handler_accepted);
}

TEST(Producer, AsksForAttentionWhenARowIsDroppedTheHeartbeatIsOldOrTheKeeperFails) {
  Fixture f;
  const KeyMetric metric{f.producer.key("a").value(), 1};
  const auto needs_attention = [&] { return f.producer.log(std::span(&metric, 1), {}).needs_attention; };
  EXPECT_FALSE(needs_attention());
  f.ring.header().keeper.last_advance_ns = monotonic_ns() - 5'100'000'000;
  EXPECT_TRUE(needs_attention());
  f.ring.header().keeper.last_advance_ns = monotonic_ns();
  EXPECT_FALSE(needs_attention());
  f.ring.header().keeper.state = KeeperState::kFailing;
  EXPECT_TRUE(needs_attention());
  f.ring.header().keeper.state = KeeperState::kReady;
  const Metric no_name{"", 1};
  EXPECT_TRUE(f.producer.log(std::span(&no_name, 1), {}).needs_attention);
  EXPECT_FALSE(needs_attention());
}

}  // namespace
}  // namespace wb
