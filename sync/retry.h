// When to try again: pure decisions about one failed request, no clock and no socket in them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "wb/status.h"

namespace wb {

/// How long one call of wbsync bothers a server that does not answer. A person waits at the terminal.
struct RetryPolicy {
  int attempts_max = 5;
  std::chrono::milliseconds budget{60'000};      ///< Without a success; waits that the server asked for apart.
  std::chrono::milliseconds asked_max{600'000};  ///< Waits that the server asked for, together.
  std::chrono::milliseconds first_wait{2'000};   ///< Doubles with each attempt.
  std::chrono::milliseconds wait_max{60'000};

  /// The policy for another budget: the first wait keeps its share of it.
  static RetryPolicy with_budget(std::chrono::milliseconds budget);
};

/// What is known when an attempt has failed.
struct FailedAttempt {
  int attempt = 1;                                       ///< Counts from 1.
  std::chrono::milliseconds elapsed{0};                  ///< Since the first attempt, without asked waits.
  std::chrono::milliseconds asked{0};                    ///< Waits that the server asked for so far.
  std::optional<std::chrono::milliseconds> retry_after;  ///< What it asks for now.
  double random = 0;                                     ///< In [0, 1): the jitter.
};

/// How long to wait before the next attempt; nothing: give up.
std::optional<std::chrono::milliseconds> next_wait(const RetryPolicy& policy, const FailedAttempt& failed);

/// What a reply's HTTP status means: kOk (2xx), kRejected (400, 413, 422: this content), kUnauthorized (401, 403),
/// kNotFound (3xx, 404, 409, 410, 501: not this address), kUnavailable (all others: later). `is_upsert`: 409 then
/// means later.
Code classify_http_status(long status, bool is_upsert) noexcept;

/// A Retry-After header: seconds (also fractional) or a date. Nothing if it is neither or negative.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view header,
                                                           std::chrono::system_clock::time_point now);

}  // namespace wb
