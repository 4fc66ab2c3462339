// Keeps API keys of the environment out of journals.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wb/value.h"
#include "writer/environment.h"

namespace wb {

/// Replaces texts that are equal to a key of the environment (WB_API_KEY, WANDB_API_KEY, MLFLOW_TRACKING_TOKEN) by
/// "[redacted]", also as strings inside of JSON. Programs put keys into their config without noticing.
class Redactor {
 public:
  explicit Redactor(const Environment& environment);

  /// The text to record instead of `value`'s; nothing if the value may stay.
  std::optional<std::string> redacted(const Value& value) const;

 private:
  std::vector<std::string> secrets_;
};

/// Copies of entries whose texts are safe to record. Borrows names and untouched texts from `entries`.
class RedactedEntries {
 public:
  RedactedEntries(const Redactor& redactor, std::span<const Metric> entries);
  std::span<const Metric> entries() const noexcept { return entries_; }
  std::size_t redacted_count() const noexcept { return texts_.size(); }

 private:
  std::vector<Metric> entries_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

}  // namespace wb
