// SHA-256 by OpenSSL. Its calls fail for lack of memory only.
#include "sync/digest.h"

#include <openssl/evp.h>

#include <new>

#include "schema/bytes.h"

namespace wb {
namespace {

void check(int result) {
  if (result != 1) throw std::bad_alloc();
}

}  // namespace

void PartHash::Free::operator()(evp_md_ctx_st* handle) const noexcept {
  EVP_MD_CTX_free(handle);
}

PartHash::PartHash() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void PartHash::update(std::string_view part) {
  std::array<std::byte, 8> length;
  store_le(length.data(), static_cast<std::uint64_t>(part.size()));
  check(EVP_DigestUpdate(context_.get(), length.data(), length.size()));
  check(EVP_DigestUpdate(context_.get(), part.data(), part.size()));
}

Digest PartHash::finish() {
  Digest digest;
  check(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr));
  return digest;
}

}  // namespace wb
