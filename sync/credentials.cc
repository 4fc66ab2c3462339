// The API key from the environment or a netrc file; only the source's name is ever shown.
#include "sync/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace wb {
namespace {

constexpr std::size_t kKeyTextBytesMax = 512;
constexpr std::size_t kRedactBytesMin = 8;  // A shorter "key" would blank out ordinary words.
constexpr std::size_t kNetrcBytesMax = 1U << 20;

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// Splits at white space; a token in double quotes may hold some.
class NetrcTokens {
 public:
  explicit NetrcTokens(std::string_view text) : text_(text) {}

  // "" at the end. `line_start` says where the token's line began, for comments and macros.
  std::string next() {
    skip_space();
    std::string token;
    if (at_ < text_.size() && text_[at_] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        token += text_[at_];
      }
      ++at_;
      return token;
    }
    while (at_ < text_.size() && !is_space(text_[at_])) token += text_[at_++];
    return token;
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }
  void skip_to_empty_line() { at_ = std::min(text_.find("\n\n", at_), text_.size()); }

 private:
  static bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

struct NetrcFile {
  std::string path;
  std::string text;
  bool others_can_read = false;
};

// An absent or unreadable file is an empty one: the next message asks for the key anyway.
NetrcFile read_netrc() {
  NetrcFile file{.path = environment("NETRC")};
  if (file.path.empty()) file.path = environment("HOME") + "/.netrc";
  const int descriptor = open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return file;
  struct stat info {};
  if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) &&
      static_cast<std::size_t>(info.st_size) <= kNetrcBytesMax) {
    file.others_can_read = (info.st_mode & (S_IRGRP | S_IROTH)) != 0;
    file.text.resize(static_cast<std::size_t>(info.st_size));
    const ssize_t bytes = pread(descriptor, file.text.data(), file.text.size(), 0);
    file.text.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
  }
  close(descriptor);
  return file;
}

}  // namespace

ApiKey::ApiKey(std::string text)
    : text_(std::move(text)), encoded_(base64("api:" + text_)), header_("Authorization: Basic " + encoded_) {}

Result<ApiKey> ApiKey::make(std::string text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
  if (text.empty() || text.size() > kKeyTextBytesMax || !is_plain) {
    return Status(Code::kUnauthorized, "the key is not one word of printable letters; copy it again");
  }
  return ApiKey(std::move(text));
}

std::string ApiKey::redacted(std::string text) const {
  if (text_.size() >= kRedactBytesMin) replace_all(text, text_, "[key]");
  replace_all(text, encoded_, "[key]");
  return text;
}

std::string netrc_password(std::string_view text, std::string_view host) {
  NetrcTokens tokens(text);
  bool is_match = false;
  for (std::string token = tokens.next(); !token.empty(); token = tokens.next()) {
    if (token.front() == '#') {
      tokens.skip_line();
    } else if (token == "machine") {
      is_match = tokens.next() == host;
    } else if (token == "default") {
      is_match = true;
    } else if (token == "macdef") {
      tokens.skip_to_empty_line();
    } else if (token == "login" || token == "account") {
      (void)tokens.next();
    } else if (token == "password") {
      std::string password = tokens.next();
      if (is_match) return password;
    }
  }
  return {};
}

Result<Credentials> find_credentials(const std::string& host) {
  std::string source = "WANDB_API_KEY";
  std::string text = environment("WANDB_API_KEY");
  std::vector<std::string> warnings;
  if (text.empty()) {
    const NetrcFile file = read_netrc();
    source = file.path;
    text = netrc_password(file.text, host);
    if (text.empty()) {
      return Status(Code::kUnauthorized, "no key for " + host + ": set WANDB_API_KEY, or add \"machine " + host +
                                             " login user password KEY\" to " + file.path);
    }
    if (file.others_can_read) warnings.push_back(file.path + ": other users can read it; run chmod 600 on it");
  }
  Result<ApiKey> key = ApiKey::make(std::move(text));
  if (!key.ok()) return Status(key.status().code(), source + ": " + key.status().message());
  return Credentials{.key = std::move(key).value(), .source = std::move(source), .warnings = std::move(warnings)};
}

}  // namespace wb
