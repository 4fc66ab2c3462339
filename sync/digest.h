// Digest: SHA-256 (FIPS 180-4, by OpenSSL), what the ledger remembers of content that must not change.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

struct evp_md_ctx_st;

namespace wb {

using Digest = std::array<std::byte, 32>;

/// Hashes a sequence of parts, each with its length: "ab","c" and "a","bc" differ. Use once: after finish() it must
/// not be used again. Throws std::bad_alloc if OpenSSL cannot allocate, and nothing else.
class PartHash {
 public:
  PartHash();
  void update(std::string_view part);
  Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* handle) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace wb
