// wb_make_journal: writes one run's journal as a keeper would, with rows that the test scripts can compute too.
//
//   wb_make_journal DIR --run ID --rows N [--keys N] [--stride N] [--rank N] [--attempt N] [--seed N]
//                   [--start-us N] [--row-us N] [--end running|finished|killed] [--exit-code N] [--rotate N]
//                   [--poison ROW] [--field NAME=TEXT]... [--config NAME=JSON]...
//                   [--late-config NAME=JSON]...
//
// Row i (from 0) has step i * stride, "m<j>" = (i + 1) / (j + 1) + j / 10, "i" = i, "flag" = i is even,
// "text" = row "i" with quotes and a non-ASCII letter, "odd" = NaN in every 7th row (else absent), and
// "poison" = "refuse me" in the row that --poison names and "harmless" in the one behind it. --late-config stands
// behind the rows.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/journal_maker.h"

namespace {

struct Options {
  std::string directory;
  wb::test::MakerOptions maker;
  std::int64_t row_count = 10, key_count = 3, stride = 1, poison = -2, exit_code = 0, rotate = 0;
  std::int64_t row_us = 1'000'000;
  std::string end = "finished";
  std::vector<std::pair<std::string, std::string>> config, late_config;
};

std::pair<std::string, std::string> parse_pair(const std::string& text) {
  const std::size_t equals = text.find('=');
  return {text.substr(0, equals), text.substr(equals + 1)};
}

bool set_option(Options& options, const std::string& name, const std::string& value) {
  const auto number = [&value] { return std::strtoll(value.c_str(), nullptr, 10); };
  if (name == "--run") return options.maker.run_id = value, true;
  if (name == "--rows") return options.row_count = number(), true;
  if (name == "--keys") return options.key_count = number(), true;
  if (name == "--stride") return options.stride = number(), true;
  if (name == "--rank") return options.maker.rank = number(), true;
  if (name == "--attempt") return options.maker.attempt = number(), true;
  if (name == "--seed") return options.maker.seed = static_cast<std::uint64_t>(number()), true;
  if (name == "--start-us") return options.maker.start_wall_us = number(), true;
  if (name == "--row-us") return options.row_us = number(), true;
  if (name == "--end") return options.end = value, true;
  if (name == "--exit-code") return options.exit_code = number(), true;
  if (name == "--rotate") return options.rotate = number(), true;
  if (name == "--poison") return options.poison = number(), true;
  if (name == "--project") return options.maker.project = value, true;
  if (name == "--field") return options.maker.fields.push_back(parse_pair(value)), true;
  if (name == "--config") return options.config.push_back(parse_pair(value)), true;
  if (name == "--late-config") return options.late_config.push_back(parse_pair(value)), true;
  return false;
}

void add_config(wb::test::JournalMaker& maker, const std::vector<std::pair<std::string, std::string>>& config) {
  std::vector<wb::Metric> entries;
  for (const auto& [name, json] : config) entries.push_back({name, wb::Value::json(json)});
  if (!entries.empty()) maker.map(wb::Kind::kConfig, entries);
}

void add_row(wb::test::JournalMaker& maker, const Options& options, std::int64_t i) {
  std::vector<std::string> names;
  for (std::int64_t j = 0; j < options.key_count; ++j) names.push_back("m" + std::to_string(j));
  const std::string text = "row \"" + std::to_string(i) + "\" \xC3\xBC";
  std::vector<wb::Metric> row;
  for (std::int64_t j = 0; j < options.key_count; ++j) {
    const double value = static_cast<double>(i + 1) / static_cast<double>(j + 1) + static_cast<double>(j) / 10;
    row.push_back({names[static_cast<std::size_t>(j)], value});
  }
  row.push_back({"i", i});
  row.push_back({"flag", i % 2 == 0});
  row.push_back({"text", text.c_str()});
  if (i % 7 == 0) row.push_back({"odd", std::numeric_limits<double>::quiet_NaN()});
  if (i == options.poison) row.push_back({"poison", "refuse me"});
  if (i == options.poison + 1) row.push_back({"poison", "harmless"});  // For the summary.
  maker.second = static_cast<double>(i * options.row_us) / 1e6 - 1;    // row() adds a second first.
  maker.row(i * options.stride, row);
}

void write_journal(const Options& options) {
  wb::test::JournalMaker maker(options.maker);
  add_config(maker, options.config);
  for (std::int64_t i = 0; i < options.row_count; ++i) {
    if (options.rotate > 0 && i > 0 && i % options.rotate == 0) maker.rotate();
    add_row(maker, options, i);
  }
  add_config(maker, options.late_config);
  if (options.end == "finished") maker.finish(static_cast<std::int32_t>(options.exit_code));
  if (options.end == "killed") maker.death(9);
  if (options.end == "running") {
    maker.heartbeat();
  } else {
    maker.tail_end(true);
  }
  std::printf("%s\n", maker.write(options.directory).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (argc >= 2) options.directory = argv[1];
  bool is_valid = argc >= 2 && argc % 2 == 0;
  for (int i = 2; is_valid && i + 1 < argc; i += 2) is_valid = set_option(options, argv[i], argv[i + 1]);
  if (!is_valid) {
    std::fprintf(stderr, "usage: wb_make_journal DIR [--NAME VALUE]..., see the source\n");
    return 2;
  }
  write_journal(options);
  return 0;
}
