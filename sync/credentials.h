// The API key: where it comes from, and that it goes nowhere but into request headers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wb/status.h"

namespace wb {

/// A key in memory. There is no way to print it; text that may hold it goes through redacted().
class ApiKey {
 public:
  /// kUnauthorized if the shape is wrong: empty, over 512 bytes, or with white space, controls or bytes over 126.
  static Result<ApiKey> make(std::string text);

  /// "Authorization: Basic ..." for the user "api".
  const std::string& header() const noexcept { return header_; }
  /// `text` with the key, and its encoded form, replaced.
  std::string redacted(std::string text) const;

 private:
  explicit ApiKey(std::string text);
  std::string text_;
  std::string encoded_;
  std::string header_;
};

struct Credentials {
  ApiKey key;
  std::string source;  ///< "WANDB_API_KEY", or the path of the netrc file: for messages.
  std::vector<std::string> warnings;
};

/// The key for `host`: WANDB_API_KEY, else the netrc file (NETRC, or ~/.netrc). kUnauthorized: there is none, or its
/// shape is wrong; the message says what to do.
Result<Credentials> find_credentials(const std::string& host);

/// The password of `host` in the text of a netrc file ("machine HOST ... password P", "default"), or "".
std::string netrc_password(std::string_view text, std::string_view host);

}  // namespace wb
