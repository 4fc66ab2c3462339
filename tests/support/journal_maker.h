// Journal maker: writes journals record by record, as a keeper would, for tests of readers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/frame.h"
#include "schema/record.h"
#include "schema/uuid.h"

namespace wb::test {

/// A directory that is removed with all it holds.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The name a test gives a journal's process.
struct MakerOptions {
  std::string run_id = "run1";
  std::string project = "demo";
  std::int64_t rank = 0;
  std::int64_t attempt = 0;
  std::uint64_t seed = 1;                                   ///< The journal's uuid is made from it.
  std::int64_t start_wall_us = 1'700'000'000'000'000;       ///< 2023; long ago, so "lost" unless it ends.
  std::vector<std::pair<std::string, std::string>> fields;  ///< More of the run record.
};

/// Collects frames of one journal in memory and writes them as tail 0, 1, ... under DIR/<run id>/.
class JournalMaker {
 public:
  explicit JournalMaker(const MakerOptions& options);

  /// A row part at second `second` after the start; names are announced when they come first.
  void row(std::int64_t step, const std::vector<Metric>& metrics, std::uint8_t flags = kRowCommit);
  void map(Kind kind, const std::vector<Metric>& entries, std::uint8_t flags = 0);  ///< The source follows the kind.
  void finish(std::int32_t exit_code);
  void death(std::int64_t signal);
  void heartbeat();
  void tail_end(bool journal_end);
  /// Any frame with a whole payload.
  void frame(Kind kind, std::uint8_t flags, std::span<const std::byte> payload);
  /// Ends this tail with kTailEnd{0}; what follows goes to the next one.
  void rotate();

  /// Time of the records that follow, in seconds after the start. Starts at 0 and rises by 1 with each row.
  double second = 0;

  /// Writes all tails below `directory`; returns the path of the first.
  std::string write(const std::string& directory) const;
  const Uuid& uuid() const { return uuid_; }
  const std::string& stem() const { return stem_; }
  std::uint64_t last_sequence() const { return trainer_sequence_; }
  /// The bytes of a tail, head included.
  const std::string& bytes(std::size_t number = 0) const { return tails_.at(number); }

 private:
  Timestamp now() const;
  void start_tail();
  std::uint32_t key_index(std::string_view name);

  MakerOptions options_;
  Uuid uuid_;
  std::string stem_;
  std::vector<std::string> tails_;
  std::uint64_t trainer_sequence_ = 0;
  std::uint64_t keeper_sequence_ = 0;
  std::vector<std::string> key_names_;
};

void write_file(const std::string& path, std::string_view bytes);

}  // namespace wb::test
