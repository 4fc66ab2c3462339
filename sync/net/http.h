// HTTP over libcurl: the one Transport that opens sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "sync/net/transport.h"

namespace wb {

inline constexpr std::size_t kReplyBytesMax = 16U << 20;
inline constexpr std::size_t kReplyHeaderBytesMax = 256U << 10;

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds stall_timeout{60'000};   ///< No byte in either direction for so long.
  std::chrono::milliseconds total_timeout{180'000};  ///< For one request.
  std::string user_agent;
  bool use_proxy = true;              ///< HTTPS_PROXY and others; false: straight to the server.
  std::string ca_file;                ///< Trusted certificates; "" for the system's.
  std::function<bool()> interrupted;  ///< Asked at least once a second; true ends the request.
};

/// Keeps connections alive, verifies TLS, follows no redirect (the key would travel along) and honours
/// HTTPS_PROXY, http_proxy and NO_PROXY. Replies over kReplyBytesMax are cut off and count as failed.
std::unique_ptr<Transport> make_http_transport(HttpOptions options);

/// "name/version" of the HTTP library, for --version.
std::string http_library_version();

}  // namespace wb
