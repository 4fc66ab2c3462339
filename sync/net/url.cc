// A server's address: parsed by curl, so that what is checked is what is connected to.
#include "sync/net/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace wb {
namespace {

struct CloseUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// 127.0.0.0/8 only as four plain decimal numbers: anything else may resolve elsewhere.
bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  if (!host.starts_with("127.")) return false;
  return std::count(host.begin(), host.end(), '.') == 3 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) { return c == '.' || std::isdigit(c) != 0; });
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view text, bool allow_http) {
  const std::string given(text);
  const auto refuse = [](std::string why) { return Status(Code::kInvalidArgument, std::move(why)); };
  const std::unique_ptr<CURLU, CloseUrl> url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, given.c_str(), 0) != CURLUE_OK) {
    return refuse("the server's address is no URL; give one like https://api.wandb.ai");
  }
  if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
    return refuse("the server's address holds a user or key; put the key into WANDB_API_KEY instead");
  }
  const std::string scheme = lower(url_part(url.get(), CURLUPART_SCHEME));
  const std::string host = lower(url_part(url.get(), CURLUPART_HOST));
  if ((scheme != "https" && scheme != "http") || host.empty()) return refuse(given + ": not an http(s) address");
  if (!url_part(url.get(), CURLUPART_QUERY).empty() || !url_part(url.get(), CURLUPART_FRAGMENT).empty()) {
    return refuse(given + ": a server's address has no ? and no #");
  }
  if (scheme == "http" && !is_loopback(host) && !allow_http) {
    return refuse(given + ": the key would travel readable; use https://, or set WB_ALLOW_HTTP=1 if the way is safe");
  }
  const std::string port = url_part(url.get(), CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  std::string path = url_part(url.get(), CURLUPART_PATH);
  while (path.ends_with('/')) path.pop_back();
  ServerUrl server;
  server.text = scheme + "://" + host + (port.empty() ? "" : ":" + port) + path;
  server.is_loopback = is_loopback(host);
  server.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  return server;
}

std::string escape_path_segment(std::string_view segment) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const bool only_dots = segment == "." || segment == "..";
  std::string escaped;
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '~' || (c == '.' && !only_dots));
    if (plain) {
      escaped += c;
    } else {
      escaped += '%';
      escaped += kHex[byte >> 4];
      escaped += kHex[byte & 15];
    }
  }
  return escaped;
}

}  // namespace wb
