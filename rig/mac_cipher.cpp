#include "rig/mac_cipher.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace swiperig {
namespace {

constexpr std::array<std::uint8_t, 16> kZeros{};

const EVP_CIPHER* fetch(const char* name) {
  const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, name, nullptr);
  if (fetched == nullptr) throw std::runtime_error(std::string("OpenSSL offers no ") + name);
  return fetched;
}

// EDE3 serves single DES too (K1 = K2 = K3), which OpenSSL 3 alone keeps in its legacy provider.
const EVP_CIPHER* algorithm(Cipher cipher, bool chained) {
  if (cipher == Cipher::sm4) {
    static const EVP_CIPHER* const cbc = fetch("SM4-CBC");
    static const EVP_CIPHER* const ecb = fetch("SM4-ECB");
    return chained ? cbc : ecb;
  }
  static const EVP_CIPHER* const cbc = fetch("DES-EDE3-CBC");
  static const EVP_CIPHER* const ecb = fetch("DES-EDE3-ECB");
  return chained ? cbc : ecb;
}

bool fits(Cipher cipher, BytesView key) { return key.size() == 16 || (cipher == Cipher::des && key.size() == 8); }

std::array<std::uint8_t, 24> in_full(BytesView key) {
  std::array<std::uint8_t, 24> whole{};
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = key[i % key.size()];
  return whole;
}

CipherContext schedule(Cipher cipher, const std::array<std::uint8_t, 24>& whole, bool chained, bool encrypt) {
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!context ||
      EVP_CipherInit_ex2(context.get(), algorithm(cipher, chained), whole.data(), chained ? kZeros.data() : nullptr,
                         encrypt ? 1 : 0, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1) {
    throw std::runtime_error("cipher key schedule failed");
  }
  return context;
}

void run(EVP_CIPHER_CTX* context, BytesView in, std::uint8_t* out) {
  int written = 0;
  if (EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) != 1 ||
      static_cast<std::size_t>(written) != in.size()) {
    throw std::runtime_error("cipher failed");
  }
}

std::optional<Bytes> run_blocks(EVP_CIPHER_CTX* context, BytesView in, std::size_t block_bytes) {
  if (in.size() % block_bytes != 0 || in.size() > (1U << 20)) return std::nullopt;
  Bytes out(in.size());
  if (!in.empty()) run(context, in, out.data());
  return out;
}

}  // namespace

void FreeCipherContext::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

std::optional<CipherKey> CipherKey::make(Cipher cipher, BytesView key) {
  if (!fits(cipher, key)) return std::nullopt;
  return CipherKey(cipher, key);
}

CipherKey::CipherKey(Cipher cipher, BytesView key)
    : block_bytes_(cipher == Cipher::des ? 8 : 16),
      cipher_(cipher),
      key_(in_full(key)),
      encryptor_(schedule(cipher, key_, false, true)) {}

evp_cipher_ctx_st* CipherKey::decryptor() const {
  if (!decryptor_) decryptor_ = schedule(cipher_, key_, false, false);
  return decryptor_.get();
}

std::optional<Bytes> CipherKey::encrypt(BytesView clear) const {
  return run_blocks(encryptor_.get(), clear, block_bytes_);
}
std::optional<Bytes> CipherKey::decrypt(BytesView cipher) const {
  return run_blocks(decryptor(), cipher, block_bytes_);
}
void CipherKey::encrypt_to(BytesView clear, std::uint8_t* out) const { run(encryptor_.get(), clear, out); }
void CipherKey::decrypt_to(BytesView cipher, std::uint8_t* out) const { run(decryptor(), cipher, out); }

CheckValue CipherKey::check_value() const {
  std::array<std::uint8_t, 16> block{};
  encrypt_to(BytesView(kZeros).first(block_bytes_), block.data());
  return {block[0], block[1], block[2], block[3]};
}

std::optional<DesKey> DesKey::make(BytesView key) {
  auto made = CipherKey::make(Cipher::des, key);
  if (!made) return std::nullopt;
  return DesKey(std::move(*made));
}

Block DesKey::encrypt_block(const Block& clear) const {
  Block out{};
  key_.encrypt_to(clear, out.data());
  return out;
}

Block DesKey::decrypt_block(const Block& cipher) const {
  Block out{};
  key_.decrypt_to(cipher, out.data());
  return out;
}

std::optional<CbcKey> CbcKey::make(Cipher cipher, BytesView key) {
  if (!fits(cipher, key)) return std::nullopt;
  return CbcKey(cipher == Cipher::des ? 8 : 16, schedule(cipher, in_full(key), true, true));
}

Block CbcKey::last_block(BytesView data, bool pad_with_80) const {
  // back to the zero start; the key schedule stays
  if (EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, kZeros.data(), -1, nullptr) != 1) {
    throw std::runtime_error("cipher failed");
  }
  std::array<std::uint8_t, 256> out;
  const std::size_t whole = data.size() / block_bytes_ * block_bytes_;
  const std::uint8_t* last = nullptr;
  for (std::size_t at = 0; at < whole;) {
    const std::size_t n = std::min(out.size(), whole - at);
    run(context_.get(), data.subspan(at, n), out.data());
    last = out.data() + n - block_bytes_;
    at += n;
  }
  if (whole == 0 || whole != data.size() || pad_with_80) {
    std::array<std::uint8_t, 16> rest{};
    std::copy(data.begin() + static_cast<std::ptrdiff_t>(whole), data.end(), rest.begin());
    if (pad_with_80) rest[data.size() - whole] = 0x80;
    run(context_.get(), BytesView(rest).first(block_bytes_), out.data());
    last = out.data();
  }
  Block block{};
  std::copy_n(last, block.size(), block.begin());
  return block;
}

}  // namespace swiperig
