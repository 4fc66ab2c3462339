// The W&B sink against a fake transport: bodies, headers, answers, and the key that never shows.
#include "sync/sinks/wandb.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sync/digest.h"
#include "sync/engine_quarantine.h"
#include "sync/net/url.h"
#include "sync/sinks/wandb_body.h"

namespace wb {
namespace {

using Json = nlohmann::json;

const std::string kKey = "canary0123456789";

// Answers with what the test prepared and keeps what was asked.
class FakeTransport final : public Transport {
 public:
  struct Script {
    Result<HttpReply> reply = HttpReply{.status = 200, .body = "{}"};
    std::vector<std::string> urls, bodies, headers;
  };
  explicit FakeTransport(Script& script) : script_(script) {}
  Result<HttpReply> request(const HttpRequest& request) override {
    script_.urls.push_back(request.url);
    script_.bodies.emplace_back(request.body);
    for (const std::string& header : request.headers) script_.headers.push_back(header);
    return script_.reply;
  }

 private:
  Script& script_;
};

std::unique_ptr<Sink> sink_with(FakeTransport::Script& script) {
  return make_wandb_sink({.base_url = "http://h", .version = "1.2"}, ApiKey::make(kKey).value(),
                         std::make_unique<FakeTransport>(script));
}

RunModel model() {
  RunModel run;
  run.id = "id/1";
  run.project = "p q";
  run.name = "a \"name\"";
  run.config = {{"lr", "0.1"}, {"odd", "[NaN,\"NaN\",-Infinity,{\"k\\\"\":NaN}]"}};
  run.summary = {{"loss", "NaN"}, {"_step", "3"}};
  run.exit_code = 3;
  return run;
}

TEST(WandbBody, LeavesTheNameToTheServerWhereTheProgramGaveNone) {
  RunModel run = model();
  run.name.clear();
  EXPECT_TRUE(Json::parse(wandb_upsert_body(run, "1"))["variables"]["displayName"].is_null());
  run.name = run.id;
  EXPECT_EQ(Json::parse(wandb_upsert_body(run, "1"))["variables"]["displayName"], run.id);
}

TEST(WandbSink, SendsTheRunAndTakesTheEntityFromTheAnswer) {
  FakeTransport::Script script;
  script.reply = HttpReply{.status = 200,
                           .body = R"({"data":{"upsertBucket":{"bucket":{"historyLineCount":7,"project":{"name":"p q",
                                   "entity":{"name":"team x"}}},"inserted":true}}})"};
  const auto sink = sink_with(script);
  const Result<RemoteRun> remote = sink->upsert_run(model());
  ASSERT_TRUE(remote.ok()) << remote.status().message();
  EXPECT_EQ(remote.value().entity, "team x");
  EXPECT_EQ(remote.value().history_line_count, 7U);
  EXPECT_TRUE(remote.value().inserted);
  const Json body = Json::parse(script.bodies.at(0));
  EXPECT_EQ(body["operationName"], "UpsertBucket");
  const Json& variables = body["variables"];
  EXPECT_EQ(variables["name"], "id/1");
  EXPECT_EQ(variables["displayName"], "a \"name\"");
  EXPECT_TRUE(variables["entity"].is_null());
  EXPECT_TRUE(variables["groupName"].is_null());
  EXPECT_TRUE(variables["tags"].is_null());
  const std::vector<std::string> lines = {"{\"_step\":0}"};
  ASSERT_TRUE(sink->deliver(model(), remote.value(), {.history_offset = 5, .lines = &lines}).ok());
  EXPECT_EQ(script.urls.at(1), "http://h/files/team%20x/p%20q/id%2F1/file_stream");
  EXPECT_EQ(Json::parse(script.bodies.at(1)),
            Json::parse(R"({"files":{"wandb-history.jsonl":{"offset":5,"content":["{\"_step\":0}"]}}})"));
}

TEST(WandbSink, LeavesOutOfAStreamRequestWhatIsNotDue) {
  const RunModel run = model();
  EXPECT_EQ(wandb_stream_body(run, {}), "{}");
  const Json end = Json::parse(wandb_stream_body(run, {.with_end = true}));
  EXPECT_EQ(end, Json::parse(R"({"complete":true,"exitcode":3})"));
  const Json summary = Json::parse(wandb_stream_body(run, {.with_summary = true}));
  EXPECT_EQ(summary["files"]["wandb-summary.json"]["offset"], 0);
  EXPECT_EQ(summary["files"]["wandb-summary.json"]["content"][0], R"({"_step":3,"loss":NaN})");
  EXPECT_FALSE(summary.contains("complete"));
}

TEST(WandbBody, ConfigHasNullForNanAndKeepsInfinityAndStrings) {
  const std::string config = wandb_config(model(), "1.2");
  EXPECT_NE(config.find(R"("odd":{"value":[null,"NaN",-Infinity,{"k\"":null}]})"), std::string::npos) << config;
  EXPECT_NE(config.find(R"("_wandb":{"value":{"cli_version":"1.2","m":[])"), std::string::npos) << config;
}

TEST(WandbBody, MetricsAreListedAsTheClientListsThem) {
  EXPECT_EQ(wandb_metric_list({{{"name", "epoch"}},
                               {{"name", "loss"}, {"step_metric", "epoch"}, {"summary", "min,max,mean,last"}},
                               {{"name", "val/*"}, {"step_metric", "epoch"}},
                               {{"name", "hidden/*"}, {"hidden", "true"}},
                               {{"name", "acc"}, {"summary", "max"}, {"step_sync", "true"}, {"goal", "maximize"}}}),
            R"([{"1":"epoch","6":[3],"7":[]},{"1":"loss","5":1,"6":[1,3],"7":[1,2,3,5]},)"
            R"({"2":"val/*","5":1,"6":[1],"7":[]},{"2":"hidden/*","6":[2],"7":[]},)"
            R"({"1":"acc","6":[1,3],"7":[2],"8":2}])");
  // A step metric that nobody defined comes first, with an entry of its own.
  EXPECT_EQ(wandb_metric_list({{{"name", "a"}, {"step_metric", "t"}}}),
            R"([{"1":"t","6":[3],"7":[]},{"1":"a","5":1,"6":[1,3],"7":[]}])");
}

TEST(WandbSink, NeverShowsTheKeyThatAServerEchoes) {
  FakeTransport::Script script;
  const std::string header = ApiKey::make(kKey).value().header();
  int count = 0;
  for (const std::string& echo : {kKey, header, "x" + kKey + kKey}) {
    const std::string body = Json{{"error", "bad: " + echo + "\x1b[2J"}}.dump();
    for (const long status : {400L, 401L, 404L, 500L}) {
      script.reply = HttpReply{.status = status, .body = body};
      const Status failed = sink_with(script)->deliver(model(), {}, {});
      EXPECT_EQ(failed.message().find(kKey), std::string::npos) << failed.message();
      EXPECT_EQ(failed.message().find(header.substr(21)), std::string::npos) << failed.message();
      EXPECT_EQ(failed.message().find('\x1b'), std::string::npos);
      ++count;
    }
  }
  EXPECT_EQ(count, 12);
  EXPECT_NE(std::find(script.headers.begin(), script.headers.end(), header), script.headers.end());
}

TEST(WandbSink, TakesOnlyAProperAnswerForAnAcknowledgement) {
  FakeTransport::Script script;
  const auto sink = sink_with(script);
  for (const char* body : {"", "<html>log in</html>", "[]", "null", "7"}) {
    script.reply = HttpReply{.status = 200, .body = body};
    EXPECT_EQ(sink->deliver(model(), {}, {}).code(), Code::kUnavailable) << body;
    EXPECT_EQ(sink->upsert_run(model()).status().code(), Code::kUnavailable) << body;
  }
  script.reply = HttpReply{.status = 200, .body = R"({"errors":[{"message":"no such entity"}],"data":null})"};
  EXPECT_EQ(sink->upsert_run(model()).status().code(), Code::kRejected);
  EXPECT_NE(sink->upsert_run(model()).status().message().find("no such entity"), std::string::npos);
}

TEST(WandbSink, PassesOnHowLongTheServerWantsToBeLeftAlone) {
  FakeTransport::Script script;
  const auto sink = sink_with(script);
  script.reply = HttpReply{.status = 429, .headers = {{"retry-after", "1.5"}}, .body = ""};
  EXPECT_EQ(sink->deliver(model(), {}, {}).code(), Code::kUnavailable);
  EXPECT_EQ(sink->retry_after_ms(), 1500);
  script.reply = HttpReply{.status = 200, .body = "{}"};
  EXPECT_TRUE(sink->deliver(model(), {}, {}).ok());
  EXPECT_FALSE(sink->retry_after_ms().has_value());
}

TEST(Url, IsNormalisedOrRefused) {
  EXPECT_EQ(parse_server_url("HTTPS://API.Example.org:443/", false).value().text, "https://api.example.org");
  EXPECT_EQ(parse_server_url("https://h:8443/base/", false).value().text, "https://h:8443/base");
  EXPECT_EQ(parse_server_url("http://127.0.0.1:8719", false).value().host, "127.0.0.1");
  EXPECT_EQ(parse_server_url("http://[::1]:80", false).value().host, "::1");
  EXPECT_TRUE(parse_server_url("http://localhost:1", false).ok());
  EXPECT_TRUE(parse_server_url("http://elsewhere", true).ok());
  for (const char* bad : {"", "elsewhere", "http://elsewhere", "http://127.0.0.1.evil.org", "http://127.evil",
                          "ftp://h", "https://user:key@h", "https://h/?a=b", "https://h/#x", "file:///etc/passwd"}) {
    const auto refused = parse_server_url(bad, false);
    EXPECT_EQ(refused.status().code(), Code::kInvalidArgument) << bad;
    EXPECT_EQ(refused.status().message().find("user:key"), std::string::npos);
  }
}

TEST(Url, PathSegmentsCannotLeaveTheirPlace) {
  EXPECT_EQ(escape_path_segment("a-b_c.d~9"), "a-b_c.d~9");
  EXPECT_EQ(escape_path_segment("../x"), "..%2Fx");
  EXPECT_EQ(escape_path_segment(".."), "%2E%2E");
  EXPECT_EQ(escape_path_segment("ü?#"), "%C3%BC%3F%23");
}

TEST(Credentials, NetrcIsReadByHostOnly) {
  const char* text =
      "# machine h password no\nmachine other login a password x\nmachine h login user password \"p w\"\n";
  EXPECT_EQ(netrc_password(text, "h"), "p w");
  EXPECT_EQ(netrc_password(text, "other"), "x");
  EXPECT_EQ(netrc_password(text, "third"), "");
  EXPECT_EQ(netrc_password("default login a password d", "any"), "d");
  EXPECT_EQ(netrc_password("macdef m\nmachine h password no\n\nmachine h password yes", "h"), "yes");
  EXPECT_EQ(netrc_password("machine h password", "h"), "");
  EXPECT_EQ(netrc_password("machine h password \"open", "h"), "open");
}

TEST(Credentials, KeysOfAWrongShapeAreRefused) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\nb"), std::string("a\r\nX: y"),
                                 std::string("\xC3\xBC"), std::string(513, 'a')}) {
    EXPECT_EQ(ApiKey::make(bad).status().code(), Code::kUnauthorized);
  }
  EXPECT_EQ(ApiKey::make("k").value().header(), "Authorization: Basic YXBpOms=");
}

TEST(Quarantine, FindsTheStepOnTheTopLevelOnly) {
  EXPECT_EQ(top_level_number(R"({"a":{"_step":1},"b":"\"_step\":2,","c":NaN,"_step":3})", "_step"), 3);
  EXPECT_EQ(top_level_number(R"({"_step":-4})", "_step"), -4);
  EXPECT_FALSE(top_level_number(R"({"a":["_step"]})", "_step").has_value());
  EXPECT_FALSE(top_level_number(R"({"_step)", "_step").has_value());
}

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) {
    text += "0123456789abcdef"[std::to_integer<int>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<int>(byte) & 15];
  }
  return text;
}

TEST(PartHash, IsSha256OverEachPartBehindItsLength) {  // By Python's hashlib and struct.pack("<Q", len(part)).
  EXPECT_EQ(hex(PartHash().finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  PartHash hash;
  hash.update("ab");
  hash.update("c");
  EXPECT_EQ(hex(hash.finish()), "43ee655579de01ca739b3f95c1c2d3f46d353b2c0df818064ea594506cdb2617");
  PartHash other;
  other.update("a");
  other.update("bc");
  EXPECT_NE(hex(other.finish()), "43ee655579de01ca739b3f95c1c2d3f46d353b2c0df818064ea594506cdb2617");
}

}  // namespace
}  // namespace wb
