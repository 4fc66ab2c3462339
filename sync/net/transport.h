// Transport: one HTTP request and its reply. The seam between the sinks and the network.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wb/status.h"

namespace wb {

struct HttpRequest {
  std::string method;  ///< "POST", "GET", "PUT".
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value". May hold a secret: never printed.
  std::string_view body;             ///< Borrowed for the call.
};

struct HttpReply {
  long status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
  std::string body;

  /// The value of the header `name` (lower case), or "".
  std::string_view header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

/// Sends requests to one place, keeping its connection. Belongs to one thread.
class Transport {
 public:
  virtual ~Transport() = default;

  /// The server's reply, whatever its status. kUnavailable: no (complete) reply, a later try may help.
  /// kPermission: the server's certificate is not trusted. kClosed: the user interrupted.
  virtual Result<HttpReply> request(const HttpRequest& request) = 0;
};

}  // namespace wb
