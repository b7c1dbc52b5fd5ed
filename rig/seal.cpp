#include "rig/seal.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace swiperig {

namespace {

using Nonce = std::array<std::uint8_t, 12>;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};
using CipherTurn = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL does not seal");
}

/// HKDF-SHA256 (RFC 5869).
Digest derive(BytesView key, BytesView salt, std::string_view purpose) {
  struct FreeKdf {
    void operator()(EVP_KDF* k) const { EVP_KDF_free(k); }
    void operator()(EVP_KDF_CTX* c) const { EVP_KDF_CTX_free(c); }
  };
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  must(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(kdf.get()));
  must(context != nullptr);
  char hash[] = "SHA256";
  const auto bytes = [](const char* name, const void* data, std::size_t size) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(data), size);
  };
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
      bytes(OSSL_KDF_PARAM_KEY, key.data(), key.size()), bytes(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
      bytes(OSSL_KDF_PARAM_INFO, purpose.data(), purpose.size()), OSSL_PARAM_construct_end()};
  Digest out{};
  must(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1);
  return out;
}

Nonce nonce_of(std::uint64_t number) {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return nonce;
}

/// A cipher that has been told what is beside the bytes.
CipherTurn begin(bool closing, const Digest& key, std::uint64_t number, BytesView beside) {
  CipherTurn turn(EVP_CIPHER_CTX_new());
  const Nonce nonce = nonce_of(number);
  int n = 0;
  must(turn != nullptr &&
       EVP_CipherInit_ex2(turn.get(), EVP_aes_256_gcm(), key.data(), nonce.data(), closing ? 1 : 0, nullptr) == 1);
  must(EVP_CipherUpdate(turn.get(), nullptr, &n, beside.data(), static_cast<int>(beside.size())) == 1);
  return turn;
}

}  // namespace

Seal::Seal(BytesView key, BytesView salt)
    : message_key_(derive(key, salt, "swiperig vault messages")),
      log_key_(derive(key, salt, "swiperig vault access")),
      mark_(derive(key, salt, "swiperig vault mark")) {}

Seal::~Seal() {
  OPENSSL_cleanse(message_key_.data(), message_key_.size());
  OPENSSL_cleanse(log_key_.data(), log_key_.size());
}

Bytes Seal::close(std::uint64_t number, BytesView clear, BytesView beside) const {
  const CipherTurn turn = begin(true, message_key_, number, beside);
  Bytes closed(clear.size() + kTagBytes);
  int n = 0, end = 0;
  must(EVP_CipherUpdate(turn.get(), closed.data(), &n, clear.data(), static_cast<int>(clear.size())) == 1);
  must(EVP_CipherFinal_ex(turn.get(), closed.data() + n, &end) == 1);
  must(EVP_CIPHER_CTX_ctrl(turn.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, closed.data() + clear.size()) == 1);
  return closed;
}

std::optional<Bytes> Seal::open(std::uint64_t number, BytesView closed, BytesView beside) const {
  if (closed.size() < kTagBytes) return std::nullopt;
  const CipherTurn turn = begin(false, message_key_, number, beside);
  const BytesView body = closed.first(closed.size() - kTagBytes);
  Bytes tag(closed.end() - kTagBytes, closed.end()), clear(body.size() + 1);  // no null pointer for no bytes
  int n = 0, end = 0;
  must(EVP_CipherUpdate(turn.get(), clear.data(), &n, body.data(), static_cast<int>(body.size())) == 1);
  must(EVP_CIPHER_CTX_ctrl(turn.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_CipherFinal_ex(turn.get(), clear.data() + n, &end) != 1) {
    wipe(clear);
    return std::nullopt;
  }
  clear.pop_back();
  return clear;
}

Digest Seal::sign(BytesView text) const {
  Digest out{};
  unsigned size = 0;
  must(HMAC(EVP_sha256(), log_key_.data(), static_cast<int>(log_key_.size()), text.data(), text.size(), out.data(),
            &size) != nullptr);
  return out;
}

void wipe(Bytes& bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace swiperig
