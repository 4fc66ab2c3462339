// A server's address: checked, normalised, and paths below it.
#pragma once

#include <string>
#include <string_view>

#include "wb/status.h"

namespace wb {

/// A server's base URL in one spelling: lower-case scheme and host, no default port, no slash at the end.
struct ServerUrl {
  std::string text;
  std::string host;          ///< Without port and brackets; for netrc.
  bool is_loopback = false;  ///< The server runs on this machine.
};

/// kInvalidArgument, with what to do: not http(s), a user or key inside, a query or fragment, or plain http:// to a
/// host that is not this machine while `allow_http` is false (the key would travel readable).
Result<ServerUrl> parse_server_url(std::string_view text, bool allow_http);

/// One path segment, every byte outside [A-Za-z0-9._~-] as %XX; "." and ".." are escaped too.
std::string escape_path_segment(std::string_view segment);

}  // namespace wb
