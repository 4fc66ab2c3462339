// Discovery: walks the given paths, reads every journal once and sorts them into runs.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>
#include <tuple>

#include "schema/journal_name.h"
#include "sync/journal_fold.h"
#include "sync/run_fold.h"
#include "sync/run_model.h"

namespace wb {
namespace {

constexpr int kDepthMax = 4;
constexpr std::int64_t kBeginningUs = 10'000'000;  // A tail without a record and younger than this has just begun.

Status system_status(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) return {Code::kNotFound, path + ": does not exist; check the path"};
  if (error == EACCES || error == EPERM) {
    return {Code::kPermission, path + ": no right to read it; ask its owner, or run wbsync as that user"};
  }
  return {Code::kIoError, path + ": " + std::strerror(error)};
}

std::int64_t now_wall_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

struct CloseDirectory {
  void operator()(DIR* handle) const noexcept { ::closedir(handle); }
};

/// The directories that hold journal files, and what could not be looked at.
class Walk {
 public:
  explicit Walk(Discovery& discovery) : discovery_(discovery) {}

  void start(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return add_problem(system_status(path, errno));
    found_ = false;
    const std::size_t problems_before = discovery_.problems.size() + discovery_.damage.size();
    if (S_ISDIR(info.st_mode)) {
      directory(trimmed(path), 0);
    } else {
      file(path);
    }
    const bool explained = discovery_.problems.size() + discovery_.damage.size() > problems_before;
    if (!found_ && !explained) {
      add_problem({Code::kNotFound, path + ": no journals (*.wbj, *.tail) here or up to " + std::to_string(kDepthMax) +
                                        " folders below; give the directory that the program logged to"});
    }
  }

  const std::set<std::string>& directories() const { return directories_; }
  const std::set<std::tuple<std::string, std::string>>& single_stems() const { return single_stems_; }

 private:
  static std::string trimmed(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
  }

  static bool is_named_like_one(const std::string& name) { return name.ends_with(".wbj") || name.ends_with(".tail"); }

  void add_impostor(const std::string& path) {
    discovery_.damage.push_back(
        {.path = path, .code = Code::kCorrupt, .what = "named like a journal file, but it is none; left alone"});
  }

  void add_problem(Status status) { discovery_.problems.push_back(std::move(status)); }

  void file(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : trimmed(path.substr(0, slash + 1));
    const auto name = parse_journal_file(slash == std::string::npos ? path : path.substr(slash + 1));
    if (!name) {
      if (is_named_like_one(path)) return add_impostor(path);
      return add_problem(
          {Code::kNotFound, path + ": not a journal file; give a directory of runs or a *.wbj or *.tail"});
    }
    single_stems_.emplace(directory, name->stem);
    found_ = true;
  }

  void directory(const std::string& path, int depth) {
    const std::unique_ptr<DIR, CloseDirectory> handle(::opendir(path.c_str()));
    if (handle == nullptr) return add_problem(system_status(path, errno));
    std::vector<std::string> below;
    while (const dirent* entry = ::readdir(handle.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || name == ".wbsync") continue;
      if (parse_journal_file(name)) {
        directories_.insert(path);
        found_ = true;
      } else if (is_named_like_one(name)) {
        add_impostor(path + "/" + name);
      } else if (depth < kDepthMax && is_directory(handle.get(), *entry)) {
        below.push_back(name);
      }
    }
    std::sort(below.begin(), below.end());
    for (const std::string& name : below) directory(path + "/" + name, depth + 1);
  }

  static bool is_directory(DIR* parent, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info {};
    return ::fstatat(::dirfd(parent), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
  }

  Discovery& discovery_;
  bool found_ = false;  // Below the path that is being walked.
  std::set<std::string> directories_;
  std::set<std::tuple<std::string, std::string>> single_stems_;
};

/// A keeper makes the file some milliseconds before the first record. A clock that is ahead makes it older: it is
/// named.
bool has_just_begun(const std::string& path, std::int64_t now_us) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return false;
  return now_us - info.st_mtim.tv_sec * std::int64_t{1'000'000} < kBeginningUs;
}

/// Reads one journal. Nothing if it holds no record; the discovery then says why, unless it has just begun.
std::optional<JournalDigest> read_digest(const JournalFiles& files, std::int64_t now_us, Discovery& discovery) {
  JournalFold fold(files);
  Result<JournalScan> scan = read_journal(files, 0, [&](const Frame& frame) {
    fold.visit(frame);
    return true;
  });
  const std::string path =
      files.directory + "/" +
      (files.files.empty() ? files.stem
                           : journal_file(files.stem, files.files.front().number, files.files.front().kind));
  if (!scan.ok()) {
    const Code code = scan.status().code();
    if (code == Code::kPermission || code == Code::kNotFound) {
      discovery.problems.push_back(scan.status());
    } else {
      discovery.damage.push_back({.path = path, .code = code, .what = scan.status().message()});
    }
    return std::nullopt;
  }
  if (scan.value().record_count == 0) {
    discovery.damage.insert(discovery.damage.end(), scan.value().damage.begin(), scan.value().damage.end());
    if (scan.value().damage.empty() && !has_just_begun(path, now_us)) {
      discovery.damage.push_back({.path = path,
                                  .code = Code::kTruncated,
                                  .what = "holds no record: its process died before it wrote one; it can be deleted"});
    }
    return std::nullopt;
  }
  JournalDigest digest = fold.finish(std::move(scan).value(), now_us);
  discovery.damage.insert(discovery.damage.end(), digest.model.scan.damage.begin(), digest.model.scan.damage.end());
  return digest;
}

}  // namespace

Discovery discover(const std::vector<std::string>& paths) {
  Discovery discovery;
  Walk walk(discovery);
  for (const std::string& path : paths) walk.start(path);

  std::map<std::tuple<std::string, std::string, std::string>, std::vector<JournalDigest>> runs;
  std::map<Uuid, JournalDigest> journals;
  const std::int64_t now_us = now_wall_us();
  const auto take = [&](const JournalFiles& files) {
    std::optional<JournalDigest> digest = read_digest(files, now_us, discovery);
    if (!digest) return;
    // The same journal reached by two paths, or a copy of it, counts once: the one that holds most.
    const auto [known, is_new] = journals.try_emplace(digest->model.scan.journal);
    const JournalScan &before = known->second.model.scan, &now = digest->model.scan;
    if (is_new || before.record_count < now.record_count) known->second = std::move(*digest);
  };
  const auto take_all = [&](const std::string& directory, const std::string* stem) {
    const Result<std::vector<JournalFiles>> found = list_journals(directory);
    if (!found.ok()) return discovery.problems.push_back(found.status());
    for (const JournalFiles& files : found.value()) {
      if (stem == nullptr || files.stem == *stem) take(files);
    }
  };
  for (const std::string& directory : walk.directories()) take_all(directory, nullptr);
  for (const auto& [directory, stem] : walk.single_stems()) {
    if (!walk.directories().contains(directory)) take_all(directory, &stem);
  }
  for (auto& [uuid, digest] : journals) {
    const JournalModel& model = digest.model;
    runs[{model.entity, model.project, model.run_id}].push_back(std::move(digest));
  }
  for (auto& [identity, digests] : runs) {
    Status trouble;
    discovery.runs.push_back(fold_run(std::move(digests), trouble));
    if (!trouble.ok()) discovery.problems.push_back(std::move(trouble));
  }
  std::sort(discovery.runs.begin(), discovery.runs.end(), [](const RunModel& left, const RunModel& right) {
    return std::tie(left.project, left.group, left.shown_name(), left.id, left.entity) <
           std::tie(right.project, right.group, right.shown_name(), right.id, right.entity);
  });
  return discovery;
}

}  // namespace wb
