// ls: a table for people, one JSON line per journal for machines.
#include "sync/commands/ls.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>

#include "sync/discovery_report.h"
#include "sync/json.h"
#include "sync/ledger.h"
#include "sync/ledger_place.h"
#include "sync/ring_peek.h"
#include "sync/run_model.h"
#include "sync/text.h"

namespace wb {
namespace {

using Line = std::array<std::string, 12>;
constexpr std::size_t kTextColumns = 6;  // Left-aligned; the numbers behind them right-aligned.
constexpr std::size_t kColumnWidthMax = 40;

/// How far the rows of one journal are. Rows, not records: what a person counts.
struct Progress {
  std::uint64_t accepted = 0;            ///< A0.
  std::optional<std::uint64_t> durable;  ///< A2; nothing if this machine cannot know.
};

std::uint64_t rows_behind(const JournalModel& journal, std::uint64_t sequence) {
  std::uint64_t count = 0;
  const Result<JournalScan> scan = read_journal(journal.files, sequence, [&](const Frame& frame) {
    count += frame.source == Source::kTrainer && frame.kind == Kind::kRow && frame.sequence > sequence ? 1 : 0;
    return true;
  });
  return scan.ok() ? std::min(count, journal.row_count) : journal.row_count;
}

Progress progress_of(const JournalModel& journal) {
  // What an ended journal's files hold has long been written back; only a live one has rows on the way.
  if (journal.state != RunState::kRunning) return {journal.row_count, journal.row_count};
  const std::optional<RingCounts> ring = peek_ring(journal.scan.journal);
  if (!ring) return {journal.row_count, std::nullopt};
  const std::uint64_t last = journal.scan.last_sequence;
  const std::uint64_t pending = ring->accepted_sequence > last ? ring->accepted_sequence - last : 0;
  const bool all_durable = ring->durable_sequence >= last;
  return {journal.row_count + pending,
          all_durable ? journal.row_count : journal.row_count - rows_behind(journal, ring->durable_sequence)};
}

std::int64_t now_wall_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string age_text(std::int64_t age_us) {
  const std::int64_t seconds = std::max<std::int64_t>(0, age_us / 1'000'000);
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 7'200) return std::to_string(seconds / 60) + "m";
  if (seconds < 172'800) return std::to_string(seconds / 3'600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

/// Lines acknowledged for the run, over all servers the ledger knows the most that one has.
std::optional<std::uint64_t> uploaded_count(const std::vector<UploadedRun>& uploaded, const RunModel& run) {
  std::optional<std::uint64_t> count;
  for (const UploadedRun& known : uploaded) {
    const bool same_entity = run.entity.empty() || known.key.entity.empty() || known.key.entity == run.entity;
    if (known.key.run_id != run.id || known.key.project != run.project || !same_entity) continue;
    count = std::max(count.value_or(0), known.acknowledged_count);
  }
  return count;
}

std::string number_or(const std::optional<std::uint64_t>& number, const char* otherwise) {
  return number ? std::to_string(*number) : otherwise;
}

Line table_line(const RunModel& run, const JournalModel& journal, const std::optional<std::uint64_t>& uploaded) {
  const Progress progress = progress_of(journal);
  const std::string age = age_text(now_wall_us() - journal.last.wall_us());
  return {printable(run.id),
          printable(run.shown_name()),
          printable(run.group),
          std::to_string(journal.rank),
          printable(journal.host),
          std::string(run_state_name(journal.state)),
          std::to_string(journal.last_step + 1),
          std::to_string(journal.row_count),
          age,
          std::to_string(progress.accepted),
          number_or(progress.durable, "?"),
          number_or(uploaded, "-")};
}

void print_json(const RunModel& run, const JournalModel& journal, const std::optional<std::uint64_t>& uploaded) {
  const Progress progress = progress_of(journal);
  std::string line = "{\"run\":" + json_string(run.id) + ",\"project\":" + json_string(run.project);
  line += ",\"entity\":" + json_string(run.entity) + ",\"name\":" + json_string(run.shown_name());
  line += ",\"group\":" + json_string(run.group) + ",\"job_type\":" + json_string(run.job_type);
  line += ",\"rank\":" + std::to_string(journal.rank) + ",\"attempt\":" + std::to_string(journal.attempt);
  line += ",\"host\":" + json_string(journal.host) + ",\"journal\":" + json_string(journal.scan.journal.hex());
  line += ",\"directory\":" + json_string(journal.files.directory);
  line += ",\"state\":" + json_string(run_state_name(journal.state));
  line += ",\"run_state\":" + json_string(run_state_name(run.state));
  line += ",\"exit_code\":" + (journal.exit_code ? std::to_string(*journal.exit_code) : "null");
  line += ",\"last_step\":" + std::to_string(journal.last_step) + ",\"rows\":" + std::to_string(journal.row_count);
  line += ",\"dropped\":" + std::to_string(journal.dropped_count);
  line += ",\"last_us\":" + std::to_string(journal.last.wall_us());
  line += ",\"accepted\":" + std::to_string(progress.accepted);
  line += ",\"durable\":" + number_or(progress.durable, "null");
  line += ",\"run_rows\":" + std::to_string(run.row_count) + ",\"uploaded\":" + number_or(uploaded, "null") + "}";
  std::puts(line.c_str());
}

std::string padded(std::string text, std::size_t width, bool right) {
  while (column_count(text) > kColumnWidthMax) {
    do {
      text.pop_back();  // Whole code points: continuation bytes go with their lead byte.
    } while (column_count(text) > kColumnWidthMax - 1);
    text += "…";
  }
  const std::string spaces(width - std::min(width, column_count(text)), ' ');
  return right ? spaces + text : text + spaces;
}

/// Columns of the terminal that stdout is; nothing if it is none.
std::optional<std::size_t> terminal_columns() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return size.ws_col;
}

/// Leaves out columns until a line fits, those first that the others tell most about.
std::vector<std::size_t> fitting_columns(const std::array<std::size_t, std::tuple_size_v<Line>>& widths,
                                         std::size_t terminal) {
  constexpr std::array<std::size_t, 6> kLeftOutFirst = {4, 7, 1, 9, 10, 2};  // HOST, ROWS, NAME, ACCEPTED, ...
  std::vector<std::size_t> columns(widths.size());
  std::iota(columns.begin(), columns.end(), 0);
  std::size_t total = std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
  for (const std::size_t column : kLeftOutFirst) {
    if (total <= terminal) break;
    std::erase(columns, column);
    total -= widths[column] + 2;
  }
  return columns;
}

void print_table(const std::vector<Line>& lines) {
  std::array<std::size_t, std::tuple_size_v<Line>> widths{};
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(kColumnWidthMax, column_count(line[i])));
    }
  }
  const std::size_t terminal = terminal_columns().value_or(std::numeric_limits<std::size_t>::max());
  const std::vector<std::size_t> columns = fitting_columns(widths, terminal);
  for (const Line& line : lines) {
    std::string text;
    for (const std::size_t i : columns) {
      text += (text.empty() ? "" : "  ") + padded(line[i], widths[i], i >= kTextColumns || i == 3);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    std::puts(text.c_str());
  }
  if (columns.size() < widths.size()) {
    std::puts("(Some columns do not fit in this terminal; wbsync ls ... | cat shows them all.)");
  }
}

}  // namespace

ExitCode run_ls(const LsOptions& options) {
  const Discovery discovery = discover(options.paths);
  Result<std::vector<UploadedRun>> read = read_uploaded(state_directory(options.paths.front(), options.state_dir));
  std::vector<UploadedRun> uploaded;
  if (read.ok()) {
    uploaded = std::move(read).value();
  } else {
    std::fprintf(stderr, "wbsync: what was uploaded is not known: %s\n", printable(read.status().message()).c_str());
  }
  std::vector<Line> lines = {
      {"RUN", "NAME", "GROUP", "RANK", "HOST", "STATE", "STEPS", "ROWS", "AGE", "ACCEPTED", "DURABLE", "UPLOADED"}};
  for (const RunModel& run : discovery.runs) {
    const std::optional<std::uint64_t> count = uploaded_count(uploaded, run);
    for (const JournalModel& journal : run.journals) {
      if (options.json) {
        print_json(run, journal, count);
      } else {
        lines.push_back(table_line(run, journal, count));
      }
    }
  }
  if (!options.json && lines.size() > 1) print_table(lines);
  print_problems(discovery);
  return discovery_exit_code(discovery);
}

}  // namespace wb
