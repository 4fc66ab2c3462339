// HTTP over libcurl, bounded in time and size.
#include "sync/net/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <mutex>

namespace wb {
namespace {

struct CloseEasy {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList make_header_list(const std::vector<std::string>& headers) {
  HeaderList list;
  for (const std::string& header : headers) {
    if (curl_slist* longer = curl_slist_append(list.get(), header.c_str()); longer != nullptr) {
      (void)list.release();
      list.reset(longer);
    }
  }
  return list;
}

// What one request has received so far.
struct Receiver {
  HttpReply reply;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t receive_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  const std::size_t bytes = size * count;
  if (bytes > kReplyBytesMax - receiver.reply.body.size()) {
    receiver.too_large = true;
    return 0;  // Ends the request with CURLE_WRITE_ERROR.
  }
  receiver.reply.body.append(data, bytes);
  return bytes;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::size_t receive_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  const std::size_t bytes = size * count;
  receiver.header_bytes += bytes;
  if (receiver.header_bytes > kReplyHeaderBytesMax) {
    receiver.too_large = true;
    return 0;
  }
  const std::string_view line(data, bytes);
  if (line.starts_with("HTTP/")) receiver.reply.headers.clear();  // Of a 1xx reply or of the proxy.
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(trimmed(line.substr(0, colon)));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    receiver.reply.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
  }
  return bytes;
}

int ask_interrupted(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& interrupted = static_cast<const HttpOptions*>(user)->interrupted;
  return interrupted && interrupted() ? 1 : 0;
}

bool is_trust_failure(CURLcode code) noexcept {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(HttpOptions options) : options_(std::move(options)), easy_(curl_easy_init()) {}

  Result<HttpReply> request(const HttpRequest& request) override {
    if (easy_ == nullptr) return Status(Code::kInternal, "libcurl cannot be started");
    Receiver receiver;
    std::vector<std::string> headers = request.headers;
    headers.emplace_back("Expect:");  // Or curl waits a second for "100 Continue" before a large body.
    const HeaderList list = make_header_list(headers);
    char error_text[CURL_ERROR_SIZE] = "";
    set_up(request, list.get(), &receiver, error_text);
    const CURLcode code = curl_easy_perform(easy_.get());
    if (code != CURLE_OK) return failure(code, receiver, error_text);
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &receiver.reply.status);
    return std::move(receiver.reply);
  }

 private:
  template <typename T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  // The handle is reset each time: connections survive that, options of the last request do not.
  void set_up(const HttpRequest& request, curl_slist* headers, Receiver* receiver, char* error_text) {
    curl_easy_reset(easy_.get());
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!request.body.empty() || request.method == "POST") {
      set(CURLOPT_POSTFIELDS, request.body.data() == nullptr ? "" : request.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_USERAGENT, options_.user_agent.c_str());
    set(CURLOPT_FOLLOWLOCATION, 0L);
    if (!options_.use_proxy) set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
    set_up_limits(receiver, error_text);
  }

  void set_up_limits(Receiver* receiver, char* error_text) {
    const auto stall_s = std::max<std::chrono::milliseconds::rep>(1, (options_.stall_timeout.count() + 999) / 1000);
    set(CURLOPT_NOSIGNAL, 1L);  // Timeouts without SIGALRM: this process has threads.
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_s));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.total_timeout.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_WRITEFUNCTION, &receive_body);
    set(CURLOPT_WRITEDATA, receiver);
    set(CURLOPT_HEADERFUNCTION, &receive_header);
    set(CURLOPT_HEADERDATA, receiver);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &ask_interrupted);
    set(CURLOPT_XFERINFODATA, &options_);
    set(CURLOPT_ERRORBUFFER, error_text);
  }

  static Status failure(CURLcode code, const Receiver& receiver, const char* error_text) {
    if (receiver.too_large) return {Code::kUnavailable, "the reply is larger than this program reads"};
    if (code == CURLE_ABORTED_BY_CALLBACK) return {Code::kClosed, "interrupted"};
    const std::string text = *error_text != '\0' ? error_text : curl_easy_strerror(code);
    if (is_trust_failure(code)) return {Code::kPermission, "the server's certificate is not trusted: " + text};
    return {Code::kUnavailable, text};
  }

  HttpOptions options_;
  std::unique_ptr<CURL, CloseEasy> easy_;
};

}  // namespace

std::unique_ptr<Transport> make_http_transport(HttpOptions options) {
  static std::once_flag started;
  std::call_once(started, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::make_unique<CurlTransport>(std::move(options));
}

std::string http_library_version() {
  return std::string("libcurl/") + curl_version_info(CURLVERSION_NOW)->version;
}

}  // namespace wb
