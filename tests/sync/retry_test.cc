// Retry decisions: when to try again, how long to wait, what a status means.
#include "sync/retry.h"

#include <gtest/gtest.h>

namespace wb {
namespace {

using std::chrono::milliseconds;

TEST(Retry, WaitsDoubleUntilTheAttemptsAreSpent) {
  const RetryPolicy policy;
  std::vector<std::int64_t> waits;
  FailedAttempt failed;
  for (failed.attempt = 1;; ++failed.attempt) {
    const auto wait = next_wait(policy, failed);
    if (!wait.has_value()) break;
    waits.push_back(wait->count());
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{2'000, 4'000, 8'000, 16'000}));
}

TEST(Retry, JitterAddsAtMostAQuarter) {
  const RetryPolicy policy;
  EXPECT_EQ(next_wait(policy, {.attempt = 2, .random = 0.0}), milliseconds(4'000));
  EXPECT_EQ(next_wait(policy, {.attempt = 2, .random = 0.5}), milliseconds(4'500));
  EXPECT_LE(next_wait(policy, {.attempt = 2, .random = 0.999999}), milliseconds(5'000));
}

TEST(Retry, GivesUpWhenTheBudgetWouldBeExceeded) {
  const RetryPolicy policy;
  EXPECT_TRUE(next_wait(policy, {.attempt = 1, .elapsed = milliseconds(58'000)}).has_value());
  EXPECT_FALSE(next_wait(policy, {.attempt = 1, .elapsed = milliseconds(58'001)}).has_value());
}

TEST(Retry, GrantsWhatTheServerAsksForUpToTenMinutesTogether) {
  const RetryPolicy policy;
  EXPECT_EQ(next_wait(policy, {.retry_after = milliseconds(300'000)}), milliseconds(300'000));
  EXPECT_EQ(next_wait(policy, {.asked = milliseconds(300'000), .retry_after = milliseconds(300'000)}),
            milliseconds(300'000));
  EXPECT_FALSE(next_wait(policy, {.asked = milliseconds(300'001), .retry_after = milliseconds(300'000)}));
  EXPECT_FALSE(next_wait(policy, {.retry_after = milliseconds(INT64_MAX)}));
  EXPECT_EQ(next_wait(policy, {.retry_after = milliseconds(-5)}), milliseconds(0));
}

TEST(Retry, ReadsRetryAfterAsSecondsOrDate) {
  const auto now = std::chrono::system_clock::from_time_t(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("120", now), milliseconds(120'000));
  EXPECT_EQ(parse_retry_after("0.25", now), milliseconds(250));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), milliseconds(30'000));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), milliseconds(0));
  EXPECT_GT(parse_retry_after("1e300", now), milliseconds(600'000));
  for (const char* bad : {"", "-1", "soon", "nan", "12 s", "Sun, 06 Nov 1994 08:50:07 CET"}) {
    EXPECT_FALSE(parse_retry_after(bad, now).has_value()) << bad;
  }
}

// Method: all statuses from 100 to 599 against the list of the protocol.
TEST(Retry, ClassifiesEveryStatusAsTheProtocolHasIt) {
  int count = 0;
  for (long status = 100; status < 600; ++status) {
    Code wanted = Code::kUnavailable;
    if (status / 100 == 2) wanted = Code::kOk;
    if (status / 100 == 3 || status == 404 || status == 409 || status == 410 || status == 501) wanted = Code::kNotFound;
    if (status == 400 || status == 413 || status == 422) wanted = Code::kRejected;
    if (status == 401 || status == 403) wanted = Code::kUnauthorized;
    EXPECT_EQ(classify_http_status(status, false), wanted) << status;
    EXPECT_EQ(classify_http_status(status, true), status == 409 ? Code::kUnavailable : wanted) << status;
    ++count;
  }
  EXPECT_EQ(count, 500);
}

TEST(Retry, KeepsTheShareOfTheFirstWaitInAnotherBudget) {
  EXPECT_EQ(RetryPolicy::with_budget(milliseconds(3'000)).first_wait, milliseconds(100));
  EXPECT_EQ(RetryPolicy::with_budget(milliseconds(60'000)).first_wait, RetryPolicy{}.first_wait);
}

}  // namespace
}  // namespace wb
