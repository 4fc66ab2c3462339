// Exact matches only: anything wider is the user's decision at sync time.
#include "writer/secrets.h"

namespace wb {
namespace {

constexpr std::string_view kReplacement = "[redacted]";

/// Replaces `secret` where it is a whole JSON string, or the end of one after '=' (an argument --key=SECRET).
bool redact_json(std::string& json, const std::string& secret) {
  bool found = false;
  for (std::size_t at = json.find(secret); at != std::string::npos; at = json.find(secret, at)) {
    const std::size_t end = at + secret.size();
    const bool is_whole =
        at > 0 && (json[at - 1] == '"' || json[at - 1] == '=') && end < json.size() && json[end] == '"';
    if (is_whole) json.replace(at, secret.size(), kReplacement);
    at += is_whole ? kReplacement.size() : 1;
    found |= is_whole;
  }
  return found;
}

}  // namespace

Redactor::Redactor(const Environment& environment) {
  for (const char* name : {"WB_API_KEY", "WANDB_API_KEY", "MLFLOW_TRACKING_TOKEN"}) {
    if (auto secret = environment(name); secret && !secret->empty()) secrets_.push_back(*secret);
  }
}

std::optional<std::string> Redactor::redacted(const Value& value) const {
  if (!value.is_text()) return std::nullopt;
  std::string text(value.text());
  bool found = false;
  for (const std::string& secret : secrets_) {
    if (value.type() == ValueType::kJson) {
      found |= redact_json(text, secret);
    } else if (text == secret) {
      return std::string(kReplacement);
    }
  }
  return found ? std::optional(std::move(text)) : std::nullopt;
}

RedactedEntries::RedactedEntries(const Redactor& redactor, std::span<const Metric> entries)
    : entries_(entries.begin(), entries.end()) {
  for (Metric& entry : entries_) {
    auto text = redactor.redacted(entry.value);
    if (!text) continue;
    texts_.push_back(std::make_unique<std::string>(std::move(*text)));
    const bool is_json = entry.value.type() == ValueType::kJson;
    entry.value = is_json ? Value::json(*texts_.back()) : Value(std::string_view(*texts_.back()));
  }
}

}  // namespace wb
