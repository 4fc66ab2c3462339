// Request bodies for a W&B server: what a run looks like in GraphQL and in file_stream. Pure functions.
#pragma once

#include <string>

#include "sync/run_model.h"
#include "sync/sinks/sink.h"

namespace wb {

/// The JSON body of UpsertBucket. Empty fields go as null, which leaves the server's value alone.
std::string wandb_upsert_body(const RunModel& run, const std::string& version);

/// The run's config as the server keeps it: {"key":{"value":V},...,"_wandb":{"value":{...}}}. NaN becomes null.
std::string wandb_config(const RunModel& run, const std::string& version);

/// define_metric records as the list `m`: one object per metric in the order of definition, keyed by field numbers.
std::string wandb_metric_list(const std::vector<std::map<std::string, std::string>>& definitions);

/// The summary line.
std::string wandb_summary(const RunModel& run);

/// The JSON body of a file_stream request.
std::string wandb_stream_body(const RunModel& run, const Delivery& delivery);

}  // namespace wb
