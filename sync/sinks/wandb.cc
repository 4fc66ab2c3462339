// Requests to a W&B server, and what its answers mean.
#include "sync/sinks/wandb.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "sync/net/url.h"
#include "sync/retry.h"
#include "sync/sinks/wandb_body.h"
#include "sync/text.h"

namespace wb {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kServerTextBytesMax = 300;
constexpr const char* kHostedPage = "https://wandb.ai";

// The member at the end of a path of names, or null. Never throws.
const Json& at_path(const Json& json, std::initializer_list<const char*> path) {
  static const Json kNull;
  const Json* at = &json;
  for (const char* name : path) {
    if (!at->is_object()) return kNull;
    const auto found = at->find(name);
    if (found == at->end()) return kNull;
    at = &*found;
  }
  return *at;
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}

// "error" (a string or {message}) or errors[].message; "" if there is none.
std::string error_text(const Json& reply) {
  const Json& error = at_path(reply, {"error"});
  if (error.is_string()) return error.get<std::string>();
  if (error.is_object()) return text_of(at_path(error, {"message"}));
  const Json& errors = at_path(reply, {"errors"});
  std::string text;
  if (!errors.is_array()) return text;
  for (const Json& one : errors) {
    if (!text.empty()) text += "; ";
    text += text_of(at_path(one, {"message"}));
  }
  return text;
}

class WandbSink final : public Sink {
 public:
  WandbSink(WandbOptions options, const ApiKey& key, std::unique_ptr<Transport> transport)
      : options_(std::move(options)), key_(key), transport_(std::move(transport)) {}

  std::string name() const override { return "wandb:" + options_.base_url; }

  Result<RemoteRun> upsert_run(const RunModel& run) override {
    const Result<Json> reply = post("/graphql", wandb_upsert_body(run, options_.version), true);
    if (!reply.ok()) return reply.status();
    const Json& errors = at_path(reply.value(), {"errors"});
    if (errors.is_array() && !errors.empty()) return refused("the server", error_text(reply.value()));
    const Json& bucket = at_path(reply.value(), {"data", "upsertBucket", "bucket"});
    RemoteRun remote;
    remote.entity = text_of(at_path(bucket, {"project", "entity", "name"}));
    if (remote.entity.empty()) return Status(Code::kUnavailable, "the answer to UpsertBucket names no entity");
    const Json& count = at_path(bucket, {"historyLineCount"});
    remote.history_line_count = count.is_number_unsigned() ? count.get<std::uint64_t>() : 0;
    remote.inserted = at_path(reply.value(), {"data", "upsertBucket", "inserted"}) == Json(true);
    return remote;
  }

  Status deliver(const RunModel& run, const RemoteRun& remote, const Delivery& delivery) override {
    const std::string project = run.project.empty() ? kWandbDefaultProject : run.project;
    const std::string path = "/files/" + escape_path_segment(remote.entity) + "/" + escape_path_segment(project) + "/" +
                             escape_path_segment(run.id) + "/file_stream";
    const Result<Json> reply = post(path, wandb_stream_body(run, delivery), false);
    if (!reply.ok()) return reply.status();
    // A captive portal answers 200 to anything: only a JSON object is an acknowledgement.
    if (!reply.value().is_object()) return {Code::kUnavailable, "the answer to file_stream is no JSON object"};
    return {};
  }

  std::optional<std::int64_t> retry_after_ms() const override { return retry_after_ms_; }

 private:
  Result<Json> post(const std::string& path, const std::string& body, bool is_upsert) {
    retry_after_ms_.reset();
    const HttpRequest request{.method = "POST",
                              .url = options_.base_url + path,
                              .headers = {"Content-Type: application/json", "Accept: application/json", key_.header()},
                              .body = body};
    const Result<HttpReply> reply = transport_->request(request);
    if (!reply.ok()) return Status(reply.status().code(), safe(reply.status().message()));
    Json json = Json::parse(reply.value().body, nullptr, false);
    const Code code = classify_http_status(reply.value().status, is_upsert);
    if (code != Code::kOk) return failed(code, reply.value(), json);
    if (json.is_discarded()) return Status(Code::kUnavailable, "the answer is no JSON; is this a W&B server?");
    return json;
  }

  Status failed(Code code, const HttpReply& reply, const Json& json) {
    const auto asked = parse_retry_after(reply.header("retry-after"), std::chrono::system_clock::now());
    if (asked.has_value()) retry_after_ms_ = asked->count();
    return refused("HTTP " + std::to_string(reply.status), error_text(json), code);
  }

  Status refused(const std::string& who, const std::string& text, Code code = Code::kRejected) const {
    return {code, safe(text.empty() ? who : who + ": " + text)};
  }

  // A server may echo what it was sent.
  std::string safe(std::string text) const {
    text = printable(key_.redacted(std::move(text)));
    if (text.size() <= kServerTextBytesMax) return text;
    text.resize(kServerTextBytesMax);
    return printable(text) + "...";  // Again: the cut may have parted a character.
  }

  WandbOptions options_;
  ApiKey key_;
  std::unique_ptr<Transport> transport_;
  std::optional<std::int64_t> retry_after_ms_;
};

}  // namespace

std::unique_ptr<Sink> make_wandb_sink(WandbOptions options, const ApiKey& key, std::unique_ptr<Transport> transport) {
  return std::make_unique<WandbSink>(std::move(options), key, std::move(transport));
}

std::string wandb_run_page(const std::string& base_url, const std::string& entity, const RunModel& run) {
  const std::string project = run.project.empty() ? kWandbDefaultProject : run.project;
  return (base_url == kWandbDefaultUrl ? kHostedPage : base_url) + ("/" + escape_path_segment(entity)) + "/" +
         escape_path_segment(project) + "/runs/" + escape_path_segment(run.id);
}

}  // namespace wb
