// The target from --to or the environment.
#include "sync/target.h"

#include <cstdlib>
#include <string_view>

#include "sync/sinks/wandb.h"

namespace wb {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Result<SyncTarget> choose_target(const std::string& to) {
  constexpr std::string_view kWandb = "wandb";
  constexpr std::string_view kWandbUrl = "wandb:";
  std::string url;
  if (to == kWandb) {
    url = environment("WANDB_BASE_URL");
    if (url.empty()) url = kWandbDefaultUrl;
  } else if (to.starts_with(kWandbUrl)) {
    url = to.substr(kWandbUrl.size());
  } else if (to.empty()) {
    url = environment("WANDB_BASE_URL");
  } else if (to != "store") {
    return Status(Code::kInvalidArgument, "--to " + to + ": give wandb:URL or store");
  }
  if (url.empty()) {
    if (to.starts_with(kWandbUrl)) return Status(Code::kInvalidArgument, "--to wandb: needs a URL behind the colon");
    return SyncTarget{};
  }
  Result<ServerUrl> server = parse_server_url(url, environment("WB_ALLOW_HTTP") == "1");
  if (!server.ok()) {
    const char* source = to.starts_with(kWandbUrl) ? "--to" : "WANDB_BASE_URL";
    return Status(server.status().code(), std::string(source) + ": " + server.status().message());
  }
  return SyncTarget{.is_store = false, .server = std::move(server).value()};
}

}  // namespace wb
