// Settings: options over WB_* over WANDB_* over defaults, and keys that stay out of journals.
#include "writer/settings.h"

#include <gtest/gtest.h>

#include "tests/writer/variables.h"
#include "writer/secrets.h"

namespace wb {
namespace {

using test::environment_of;
using test::Variables;

Result<Settings> resolve(const Options& options, const Variables& variables) {
  return resolve_settings(options, environment_of(variables), "abcd1234", "/home/u");
}

const Variables kWandb = {{"WANDB_PROJECT", "wp"},   {"WANDB_ENTITY", "we"},    {"WANDB_NAME", "wn"},
                          {"WANDB_RUN_GROUP", "wg"}, {"WANDB_JOB_TYPE", "wj"},  {"WANDB_RUN_ID", "wi"},
                          {"WANDB_DIR", "/wd"},      {"WANDB_MODE", "offline"}, {"WANDB_TAGS", "a, b,,c "},
                          {"WANDB_NOTES", "wo"}};

TEST(Settings, HaveDefaultsWithoutAnyEnvironment) {
  const auto settings = resolve({}, {});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings.value().project, "uncategorized");
  EXPECT_EQ(settings.value().id, "abcd1234");
  EXPECT_EQ(settings.value().directory, "/home/u/runs");
  EXPECT_EQ(settings.value().ring_bytes, std::size_t{8} << 20);
  EXPECT_EQ(settings.value().keeper, KeeperMode::kAuto);
  EXPECT_EQ(settings.value().wait_when_full_ms, 0);
}

TEST(Settings, ComeFromWandbVariables) {
  const auto resolved = resolve({}, kWandb);
  ASSERT_TRUE(resolved.ok());
  const Settings& settings = resolved.value();
  EXPECT_EQ(settings.project + settings.entity + settings.name + settings.group + settings.job_type + settings.id,
            "wpwewnwgwjwi");
  EXPECT_EQ(settings.directory, "/wd");
  EXPECT_EQ(settings.mode, "offline");
  EXPECT_EQ(settings.notes, "wo");
  EXPECT_EQ(settings.tags, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Settings, PreferWbVariablesAndOptionsBeforeThem) {
  Variables variables = kWandb;
  variables["WB_PROJECT"] = "bp";
  variables["WB_NAME"] = "bn";
  variables["WB_DIR"] = "sub/";
  Options options;
  options.name = "on";
  options.tags = {"t"};
  const auto settings = resolve(options, variables);
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings.value().project, "bp");
  EXPECT_EQ(settings.value().name, "on");
  EXPECT_EQ(settings.value().directory, "/home/u/sub");
  EXPECT_EQ(settings.value().tags, (std::vector<std::string>{"t"}));
}

TEST(Settings, RefuseKnobsThatMakeNoSenseAndNameThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"WB_KEEPER", "maybe"},       {"WB_RING_BYTES", "8M"},  {"WB_RING_BYTES", "0"},      {"WB_WHEN_FULL", "block"},
      {"WB_WHEN_FULL", "block:-1"}, {"WB_SYNC_SECONDS", "0"}, {"WB_SYNC_SECONDS", "soon"}, {"WB_SYNC_SECONDS", "nan"},
  };
  int count = 0;
  for (const auto& [name, value] : cases) {
    SCOPED_TRACE(std::string(name) + "=" + value);
    const auto settings = resolve({}, {{name, value}});
    ASSERT_FALSE(settings.ok());
    EXPECT_EQ(settings.status().code(), Code::kInvalidArgument);
    EXPECT_NE(settings.status().message().find(name), std::string::npos);
    ++count;
  }
  EXPECT_EQ(count, 8);
}

TEST(Settings, ReadKnobs) {
  const auto settings = resolve({}, {{"WB_KEEPER", "thread"},
                                     {"WB_RING_BYTES", "2097152"},
                                     {"WB_WHEN_FULL", "block:50"},
                                     {"WB_SYNC_SECONDS", "0.25"}});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings.value().keeper, KeeperMode::kThread);
  EXPECT_EQ(settings.value().ring_bytes, 2'097'152U);
  EXPECT_EQ(settings.value().wait_when_full_ms, 50);
  EXPECT_EQ(settings.value().sync_interval_ms, 250U);
}

TEST(Settings, RefuseARankOutsideOfTheWorld) {
  Options options;
  options.rank = 4;
  options.world_size = 4;
  EXPECT_EQ(resolve(options, {}).status().code(), Code::kInvalidArgument);
  options.rank = -2;
  EXPECT_EQ(resolve(options, {}).status().code(), Code::kInvalidArgument);
}

TEST(Redactor, ReplacesKeysOfTheEnvironmentOnlyWhereTheyStandAlone) {
  const Redactor redactor(environment_of({{"WANDB_API_KEY", "canary"}}));
  EXPECT_EQ(redactor.redacted(Value("canary")), "[redacted]");
  EXPECT_EQ(redactor.redacted(Value("canary bird")), std::nullopt);
  EXPECT_EQ(redactor.redacted(Value(7)), std::nullopt);
  EXPECT_EQ(redactor.redacted(Value::json(R"({"a":["canary","x"],"b":"canary"})")),
            R"({"a":["[redacted]","x"],"b":"[redacted]"})");
  EXPECT_EQ(redactor.redacted(Value::json(R"(["--key=canary"])")), R"(["--key=[redacted]"])");
  EXPECT_EQ(redactor.redacted(Value::json(R"(["canary2","my canary"])")), std::nullopt);
  EXPECT_EQ(Redactor(environment_of({{"WANDB_API_KEY", ""}})).redacted(Value("")), std::nullopt);
}

}  // namespace
}  // namespace wb
