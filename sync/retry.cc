// When to try again: capped exponential waits with jitter, the server's own wish first.
#include "sync/retry.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace wb {
namespace {

using std::chrono::milliseconds;

constexpr double kJitter = 0.25;
constexpr int kFirstWaitShare = 30;  // Of the budget: 2 s of a minute.

}  // namespace

RetryPolicy RetryPolicy::with_budget(milliseconds budget) {
  RetryPolicy policy;
  policy.budget = budget;
  policy.first_wait = std::max(milliseconds(1), budget / kFirstWaitShare);
  return policy;
}

std::optional<milliseconds> next_wait(const RetryPolicy& policy, const FailedAttempt& failed) {
  if (failed.attempt >= policy.attempts_max) return std::nullopt;
  if (failed.retry_after.has_value()) {
    const milliseconds asked = std::max(*failed.retry_after, milliseconds(0));
    if (asked > policy.asked_max - failed.asked) return std::nullopt;
    return asked;
  }
  const int doublings = std::clamp(failed.attempt - 1, 0, 30);
  const double jittered =
      static_cast<double>(policy.first_wait.count()) * std::ldexp(1 + kJitter * failed.random, doublings);
  const milliseconds wait(
      static_cast<milliseconds::rep>(std::min(jittered, static_cast<double>(policy.wait_max.count()))));
  if (failed.elapsed + wait > policy.budget) return std::nullopt;
  return wait;
}

Code classify_http_status(long status, bool is_upsert) noexcept {
  if (status >= 200 && status < 300) return Code::kOk;
  switch (status) {
    case 400:
    case 413:
    case 422:
      return Code::kRejected;
    case 401:
    case 403:
      return Code::kUnauthorized;
    case 409:
      return is_upsert ? Code::kUnavailable : Code::kNotFound;
    case 404:
    case 410:
    case 501:
      return Code::kNotFound;
    default:
      return status >= 300 && status < 400 ? Code::kNotFound : Code::kUnavailable;
  }
}

std::optional<milliseconds> parse_retry_after(std::string_view header, std::chrono::system_clock::time_point now) {
  constexpr double kSecondsMax = 1e9;  // Beyond any wait that is granted; keeps the arithmetic in range.
  double seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error == std::errc() && end == header.data() + header.size()) {
    if (!(seconds >= 0)) return std::nullopt;
    return milliseconds(static_cast<milliseconds::rep>(std::min(seconds, kSecondsMax) * 1000));
  }
  tm date{};
  const std::string text(header);
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &date);
  if (rest == nullptr || std::string_view(rest) != " GMT") return std::nullopt;
  const auto wait = std::chrono::system_clock::from_time_t(timegm(&date)) - now;
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(wait));
}

}  // namespace wb
