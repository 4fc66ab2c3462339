// Which target a call of wbsync means: a W&B server or the local store.
#pragma once

#include <string>

#include "sync/net/url.h"
#include "wb/status.h"

namespace wb {

struct SyncTarget {
  bool is_store = true;
  ServerUrl server;  ///< Set if it is no store.
};

/// `to` is --to: "wandb:URL", "wandb" (WANDB_BASE_URL, else https://api.wandb.ai), "store", or "": then WANDB_BASE_URL
/// if it is set, else the store. kInvalidArgument: neither, or an address that parse_server_url refuses.
Result<SyncTarget> choose_target(const std::string& to);

}  // namespace wb
