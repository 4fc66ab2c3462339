// Find run: a path first, because a person who types a slash means a place.
#include "sync/find_run.h"

#include <unistd.h>

#include <utility>

namespace wb {
namespace {

bool is_path(const std::string& run) {
  if (run.find('/') != std::string::npos || run == "." || run == "..") return true;
  return run.ends_with(".tail") || run.ends_with(".wbj");
}

std::vector<RunModel> matching(const std::vector<RunModel>& runs, const std::string& name,
                               std::string RunModel::*field) {
  std::vector<RunModel> found;
  for (const RunModel& run : runs) {
    if (run.*field == name) found.push_back(run);
  }
  return found;
}

}  // namespace

Discovery find_runs(const std::string& run, const std::string& path) {
  if (is_path(run)) return discover({run});
  Discovery discovery = discover({path});
  const bool looked_at_some = !discovery.runs.empty();
  std::vector<RunModel> found = matching(discovery.runs, run, &RunModel::id);
  if (found.empty()) found = matching(discovery.runs, run, &RunModel::group);
  if (found.empty() && ::access(run.c_str(), F_OK) == 0) return discover({run});
  discovery.runs = std::move(found);
  if (discovery.runs.empty() && looked_at_some) {
    discovery.problems.emplace_back(
        Code::kNotFound, "no run or group \"" + run + "\" below " + path + "; wbsync ls shows what is there");
  }
  return discovery;
}

}  // namespace wb
