// Sink for a Weights & Biases compatible server: GraphQL UpsertBucket and file_stream.
#pragma once

#include <memory>
#include <string>

#include "sync/credentials.h"
#include "sync/net/transport.h"
#include "sync/sinks/sink.h"

namespace wb {

inline constexpr const char* kWandbDefaultUrl = "https://api.wandb.ai";
inline constexpr const char* kWandbDefaultProject = "uncategorized";

struct WandbOptions {
  std::string base_url;  ///< As parse_server_url gives it.
  std::string version;   ///< Of wbsync.
};

/// One thread's connection to the server. Errors: kUnavailable, kUnauthorized, kRejected (this content), kNotFound
/// (this address or run), kPermission (certificate), kClosed (interrupted); messages hold the server's own words
/// with the key and control characters taken out.
std::unique_ptr<Sink> make_wandb_sink(WandbOptions options, const ApiKey& key, std::unique_ptr<Transport> transport);

/// Where a person looks at the run.
std::string wandb_run_page(const std::string& base_url, const std::string& entity, const RunModel& run);

}  // namespace wb
