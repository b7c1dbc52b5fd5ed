#include "rig/digest.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace swiperig {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const EVP_MD* algorithm() {
  // fetched once and never freed: threads may hash until the process ends
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (fetched == nullptr) throw std::runtime_error("OpenSSL offers no SHA256");
  return fetched;
}

Digest hash(BytesView first, BytesView second, BytesView third) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  Digest out{};
  unsigned written = 0;
  if (!context || EVP_DigestInit_ex2(context.get(), algorithm(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), first.data(), first.size()) != 1 ||
      EVP_DigestUpdate(context.get(), second.data(), second.size()) != 1 ||
      EVP_DigestUpdate(context.get(), third.data(), third.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.data(), &written) != 1 || written != out.size()) {
    throw std::runtime_error("SHA256 failed");
  }
  return out;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex2(context_.get(), algorithm(), nullptr) != 1) {
    throw std::runtime_error("SHA256 failed");
  }
}

void Sha256::add(std::string_view text) {
  if (EVP_DigestUpdate(context_.get(), text.data(), text.size()) != 1) throw std::runtime_error("SHA256 failed");
}

Digest Sha256::end() {
  Digest out{};
  unsigned written = 0;
  if (EVP_DigestFinal_ex(context_.get(), out.data(), &written) != 1 || written != out.size()) {
    throw std::runtime_error("SHA256 failed");
  }
  return out;
}

Digest sha256(BytesView data) { return hash(data, {}, {}); }

void chain(Digest& head, std::string_view line, std::string_view more) {
  head = hash(head, bytes_of(line), bytes_of(more));
}

}  // namespace swiperig
