// Reads the knobs; a value that makes no sense is an error at open, not a surprise later.
#include "writer/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "schema/limits.h"

namespace wb {
namespace {

constexpr std::size_t kTextBytesMax = 64 * 1024;  // Of a single setting.
constexpr std::size_t kIdBytesMax = 1024;
constexpr std::int64_t kSyncMsMax = 3'600'000;
constexpr std::int64_t kWaitMsMax = 3'600'000;

/// The option if it is given, else the first variable that is.
std::string choose(const std::string& option, const Environment& environment,
                   std::initializer_list<const char*> variables) {
  return !option.empty() ? option : first_set(environment, variables);
}

std::vector<std::string> split_tags(const std::string& text) {
  std::vector<std::string> tags;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::size_t first = std::min(text.find_first_not_of(' ', at), end);
    const std::size_t last = text.find_last_not_of(' ', end == 0 ? 0 : end - 1);
    if (first < end) tags.push_back(text.substr(first, last + 1 - first));
    at = end + 1;
  }
  return tags;
}

/// DIR as it will be used whatever the program's working directory becomes.
Result<std::string> absolute_directory(std::string directory, const std::string& working_directory) {
  if (directory.front() != '/') {
    if (working_directory.empty()) {
      return Status(Code::kNotFound, "the working directory was removed; give an absolute directory for " + directory);
    }
    while (directory.starts_with("./")) directory.erase(0, 2);
    directory = working_directory + (directory.empty() || directory == "." ? "" : "/" + directory);
  }
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  return directory;
}

Status invalid(const char* variable, const std::string& value, const char* expected) {
  return {Code::kInvalidArgument, std::string(variable) + "=" + value + ": expected " + expected};
}

Status read_keeper_mode(const Options& options, const Environment& environment, Settings& settings) {
  const std::string text = first_set(environment, {"WB_KEEPER"});
  if (text == "process") {
    settings.keeper = KeeperMode::kProcess;
  } else if (text == "thread") {
    settings.keeper = KeeperMode::kThread;
  } else if (!text.empty()) {
    return invalid("WB_KEEPER", text, "process or thread");
  }
  if (options.keeper) settings.keeper = *options.keeper;
  return {};
}

Status read_ring_knobs(const Options& options, const Environment& environment, Settings& settings) {
  settings.ring_bytes = options.ring_bytes != 0 ? options.ring_bytes : kRingBytesDefault;
  const std::string bytes = first_set(environment, {"WB_RING_BYTES"});
  if (options.ring_bytes == 0 && !bytes.empty()) {
    const auto count = parse_count(bytes);
    if (!count || *count == 0) return invalid("WB_RING_BYTES", bytes, "a number of bytes");
    settings.ring_bytes = static_cast<std::size_t>(*count);
  }
  const std::string when_full = first_set(environment, {"WB_WHEN_FULL"});
  if (when_full.starts_with("block:")) {
    const auto wait_ms = parse_count(std::string_view(when_full).substr(6));
    if (!wait_ms || *wait_ms > kWaitMsMax) return invalid("WB_WHEN_FULL", when_full, "block:MS, at most an hour");
    settings.wait_when_full_ms = *wait_ms;
  } else if (!when_full.empty() && when_full != "drop") {
    return invalid("WB_WHEN_FULL", when_full, "drop or block:MS");
  }
  const std::string seconds = first_set(environment, {"WB_SYNC_SECONDS"});
  if (!seconds.empty()) {
    double value = 0;
    const auto [end, error] = std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
    const double wait_ms = value * 1000;
    if (error != std::errc() || end != seconds.data() + seconds.size() || !(wait_ms >= 1) || wait_ms > kSyncMsMax) {
      return invalid("WB_SYNC_SECONDS", seconds, "seconds from 0.001 to 3600");
    }
    settings.sync_interval_ms = static_cast<std::uint32_t>(std::lround(wait_ms));
  }
  return {};
}

Status check_identity(const Identity& identity) {
  for (const auto& number : {identity.rank, identity.world_size, std::optional(identity.attempt)}) {
    if (number && *number < 0) return {Code::kInvalidArgument, "rank, world size and attempt count from 0"};
  }
  if (identity.rank && identity.world_size && *identity.rank >= *identity.world_size) {
    return {Code::kInvalidArgument, "rank " + std::to_string(*identity.rank) + " is not below the world size " +
                                        std::to_string(*identity.world_size)};
  }
  return {};
}

}  // namespace

Result<Settings> resolve_settings(const Options& options, const Environment& environment, const std::string& random_id,
                                  const std::string& working_directory) {
  Settings settings;
  settings.project = choose(options.project, environment, {"WB_PROJECT", "WANDB_PROJECT"});
  if (settings.project.empty()) settings.project = "uncategorized";
  settings.entity = choose(options.entity, environment, {"WB_ENTITY", "WANDB_ENTITY"});
  settings.group = choose(options.group, environment, {"WB_RUN_GROUP", "WANDB_RUN_GROUP"});
  settings.job_type = choose(options.job_type, environment, {"WB_JOB_TYPE", "WANDB_JOB_TYPE"});
  settings.name = choose(options.name, environment, {"WB_NAME", "WANDB_NAME"});
  settings.notes = choose(options.notes, environment, {"WB_NOTES", "WANDB_NOTES"});
  settings.mode = first_set(environment, {"WB_MODE", "WANDB_MODE"});
  settings.id = choose(options.id, environment, {"WB_RUN_ID", "WANDB_RUN_ID"});
  if (settings.id.empty()) settings.id = random_id;
  settings.tags = !options.tags.empty() ? options.tags : split_tags(first_set(environment, {"WB_TAGS", "WANDB_TAGS"}));
  settings.keeper_path = choose(options.keeper_path, environment, {"WB_KEEPER_PATH"});

  for (const std::string* text :
       {&settings.project, &settings.entity, &settings.group, &settings.job_type, &settings.name, &settings.notes}) {
    if (text->size() > kTextBytesMax) return Status(Code::kInvalidArgument, "a setting is longer than 64 KiB");
  }
  if (settings.id.size() > kIdBytesMax) {
    return Status(Code::kInvalidArgument, "the run id is longer than 1,024 bytes");
  }
  std::string directory = choose(options.directory, environment, {"WB_DIR", "WANDB_DIR"});
  auto absolute = absolute_directory(directory.empty() ? "runs" : std::move(directory), working_directory);
  if (!absolute.ok()) return absolute.status();
  settings.directory = std::move(absolute).value();

  settings.identity = resolve_identity(options, environment);
  if (Status status = check_identity(settings.identity); !status.ok()) return status;
  if (Status status = read_keeper_mode(options, environment, settings); !status.ok()) return status;
  if (Status status = read_ring_knobs(options, environment, settings); !status.ok()) return status;
  return settings;
}

}  // namespace wb
