// wbsync: the command line.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "sync/commands/dump.h"
#include "sync/commands/ls.h"
#include "sync/commands/rescue.h"
#include "sync/commands/show.h"
#include "sync/commands/sync.h"
#include "sync/commands/verify.h"
#include "sync/freed_memory.h"
#include "sync/text.h"
#include "sync/versions.h"

namespace wb {
namespace {

constexpr char kEnvironment[] =
    "Uploads if WANDB_BASE_URL or --to names a server (key: WANDB_API_KEY or netrc); fills the local store\n"
    "PATH/.wbsync/store.db otherwise.\n"
    "WB_RETRY_BUDGET_SECONDS (60): how long a server that does not answer is asked again.\n"
    "WB_REQUEST_BYTES: bytes of rows in one request. WB_ALLOW_HTTP=1: http:// to other machines. SSL_CERT_FILE: "
    "certificates to trust.";

constexpr char kExitCodes[] =
    "Exit codes (of several problems the first in the order 130,1,2,8,6,5,7,4,3 wins):\n"
    "  0    everything was done, or nothing was to do; runs still going are no error\n"
    "  1    internal error\n"
    "  2    wrong usage\n"
    "  3    a path does not exist or cannot be read, or no journals lie below it\n"
    "  4    damage found; everything else was processed\n"
    "  5    server not reachable or upload incomplete; try again\n"
    "  6    key missing or refused\n"
    "  7    some records were refused by the server and quarantined\n"
    "  8    ledger or store cannot be written\n"
    "  130  interrupted";

constexpr char kDefaultPath[] = "./runs";

/// Every command's options, and which command was chosen.
struct CommandLine {
  SyncOptions sync;
  LsOptions ls;
  ShowOptions show;
  VerifyOptions verify;
  DumpOptions dump;
  RescueOptions rescue;
};

void add_paths(CLI::App* command, std::vector<std::string>& paths) {
  command->add_option("PATH", paths, "Directory of runs, directory of one run, or journal file; default ./runs");
}

void add_sync(CLI::App& app, SyncOptions& options) {
  CLI::App* command = app.add_subcommand("sync", "Upload runs to a server, or fill the local store (the default)");
  add_paths(command, options.paths);
  command->add_option("--to", options.to, "wandb:URL or store; default: WANDB_BASE_URL, else store");
  command->add_option("--state", options.state_dir, "Directory of ledger and store; default PATH/.wbsync");
  command->add_option("--project", options.project, "Upload to this project instead of the runs' own");
  command->add_option("--entity", options.entity, "Upload to this entity instead of the runs' own");
  command->add_option("--jobs", options.jobs, "Runs uploaded at the same time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_flag("--dry-run", options.dry_run, "Say what would be sent; send and write nothing");
  command->add_flag("--json", options.json, "JSON lines instead of text");
}

void add_readers(CLI::App& app, CommandLine& line) {
  CLI::App* ls = app.add_subcommand("ls", "List runs: state, steps, rows, how far they are");
  add_paths(ls, line.ls.paths);
  ls->add_option("--state", line.ls.state_dir, "Directory of the ledger; default PATH/.wbsync");
  ls->add_flag("--json", line.ls.json, "One JSON line per journal");

  CLI::App* show =
      app.add_subcommand("show", "Show all about one run: journals, limits of loss, damage, config, summary");
  show->add_option("RUN", line.show.run, "Run id, group, or path")->required();
  show->add_option("PATH", line.show.path, "Where to look for a run id; default ./runs");
  show->add_flag("--json", line.show.json, "One JSON object per run");

  CLI::App* verify = app.add_subcommand("verify", "Read everything and name what is damaged or missing");
  add_paths(verify, line.verify.paths);
  verify->add_flag("--json", line.verify.json, "One JSON line per finding and a last one with the counts");

  CLI::App* dump = app.add_subcommand("dump", "Print every record as one JSON line");
  dump->add_option("RUN", line.dump.run, "Run id, group, or path")->required();
  dump->add_option("PATH", line.dump.path, "Where to look for a run id; default ./runs");
  dump->add_flag("--all", line.dump.all, "Key records and the keeper's records too");
  dump->add_option("--kind", line.dump.kind, "Only records of this kind: row, config, heartbeat, ...");

  CLI::App* rescue = app.add_subcommand("rescue", "Save what lies in rings that lost their keeper on this machine");
  rescue->add_flag("--json", line.rescue.json, "wbkeep's own JSON lines");
}

void set_help(CLI::App& app) {
  app.footer(
      "Without a command: sync. `wbsync ./runs` is `wbsync sync ./runs`; `wbsync COMMAND --help` has a command's "
      "options.\n\n" +
      std::string(kExitCodes));
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->footer("Exit codes: wbsync --help.");
  }
  app.get_subcommand("sync")->footer(std::string(kEnvironment) + "\n\n" + kExitCodes);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "wbsync: " + std::string(error.what()) + "; wbsync --help says more\n";
  });
}

/// True if the first argument names a command or asks about the program itself.
bool names_command(const CLI::App& app, const char* argument) {
  if (std::strcmp(argument, "-h") == 0 || std::strcmp(argument, "--help") == 0) return true;
  if (std::strcmp(argument, "--version") == 0) return true;
  const std::vector<const CLI::App*> commands = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(commands.begin(), commands.end(),
                     [&](const CLI::App* command) { return command->get_name() == argument; });
}

/// A word in a command's place that is no file either.
bool is_mistyped(const std::string& argument) {
  const bool is_word = !argument.starts_with('-') && argument.find('/') == std::string::npos;
  std::error_code error;
  return is_word && std::filesystem::symlink_status(argument, error).type() == std::filesystem::file_type::not_found;
}

ExitCode run_command(const CLI::App& app, CommandLine& line) {
  const std::vector<std::string> default_paths = {kDefaultPath};
  if (line.sync.paths.empty()) line.sync.paths = default_paths;
  if (line.ls.paths.empty()) line.ls.paths = default_paths;
  if (line.verify.paths.empty()) line.verify.paths = default_paths;
  if (line.show.path.empty()) line.show.path = kDefaultPath;
  if (line.dump.path.empty()) line.dump.path = kDefaultPath;
  if (app.got_subcommand("ls")) return run_ls(line.ls);
  if (app.got_subcommand("show")) return run_show(line.show);
  if (app.got_subcommand("verify")) return run_verify(line.verify);
  if (app.got_subcommand("dump")) return run_dump(line.dump);
  if (app.got_subcommand("rescue")) return run_rescue(line.rescue);
  return run_sync(line.sync);
}

ExitCode run_main(int argc, char** argv) {
  CLI::App app("wbsync: merges what training processes logged, shows it, and uploads it", "wbsync");
  app.set_version_flag("--version", versions_text());
  app.require_subcommand(0, 1);
  CommandLine line;
  add_sync(app, line.sync);
  add_readers(app, line);
  set_help(app);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool has_command = !arguments.empty() && names_command(app, argv[1]);
  if (!has_command && !arguments.empty() && is_mistyped(arguments.front())) {
    std::fprintf(stderr, "wbsync: %s: neither a path nor a command; wbsync --help lists the commands\n",
                 printable(arguments.front()).c_str());
    return ExitCode::kNotFound;
  }
  if (!has_command) arguments.insert(arguments.begin(), "sync");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes a vector from its end.
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kOk : ExitCode::kUsage;
  }
  return run_command(app, line);
}

}  // namespace
}  // namespace wb

int main(int argc, char** argv) {
  wb::keep_freed_memory();
  try {
    return static_cast<int>(wb::run_main(argc, argv));
  } catch (const std::exception& error) {
    // What no function returned as a Status: memory, mostly.
    std::fprintf(stderr, "wbsync: internal error: %s\n", error.what());
    return static_cast<int>(wb::ExitCode::kInternal);
  }
}
