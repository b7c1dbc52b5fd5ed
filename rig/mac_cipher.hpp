#pragma once
// The two block ciphers of the payment wire behind one face: DES with single- or double-length keys (8-byte blocks) and
// SM4 (16-byte blocks). A key object holds its schedules, made once, so a block costs only itself; it may be moved, but
// must not be used by two threads at once. Only test keys ever enter here. Functions throw std::runtime_error only if
// OpenSSL lacks the cipher.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "rig/bytes.hpp"

struct evp_cipher_ctx_st;

namespace swiperig {

using Block = std::array<std::uint8_t, 8>;
using CheckValue = std::array<std::uint8_t, 4>;

enum class Cipher : std::uint8_t { des, sm4 };

struct FreeCipherContext {
  void operator()(evp_cipher_ctx_st* context) const;
};
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, FreeCipherContext>;

class CipherKey {
 public:
  // DES takes 8 or 16 bytes (EDE; parity bits are ignored), SM4 16; nullopt otherwise.
  static std::optional<CipherKey> make(Cipher cipher, BytesView key);

  std::size_t block_bytes() const { return block_bytes_; }
  // ECB over whole blocks, e.g. a working key under the terminal master key; nullopt unless a multiple of the block.
  std::optional<Bytes> encrypt(BytesView clear) const;
  std::optional<Bytes> decrypt(BytesView cipher) const;
  // Whole blocks, into as many bytes at `out`.
  void encrypt_to(BytesView clear, std::uint8_t* out) const;
  void decrypt_to(BytesView cipher, std::uint8_t* out) const;
  // First four bytes of an encrypted block of zeros.
  CheckValue check_value() const;

 private:
  CipherKey(Cipher cipher, BytesView key);
  evp_cipher_ctx_st* decryptor() const;

  std::size_t block_bytes_;
  Cipher cipher_;
  std::array<std::uint8_t, 24> key_{};  // as three DES keys
  CipherContext encryptor_;
  mutable CipherContext decryptor_;  // made when first wanted: most keys only encrypt
};

// DES with its 8-byte blocks as values.
class DesKey {
 public:
  // nullopt unless 8 or 16 bytes.
  static std::optional<DesKey> make(BytesView key);

  Block encrypt_block(const Block& clear) const;
  Block decrypt_block(const Block& cipher) const;
  std::optional<Bytes> encrypt(BytesView clear) const { return key_.encrypt(clear); }
  std::optional<Bytes> decrypt(BytesView cipher) const { return key_.decrypt(cipher); }
  CheckValue check_value() const { return key_.check_value(); }

 private:
  explicit DesKey(CipherKey key) : key_(std::move(key)) {}
  CipherKey key_;
};

// The last block of a CBC encryption from a zero start: what a CBC MAC is made of.
class CbcKey {
 public:
  static std::optional<CbcKey> make(Cipher cipher, BytesView key);

  // Filled up with zeros to whole blocks, or with 80 and then zeros; no data are one block. The first
  // eight bytes of the last block.
  Block last_block(BytesView data, bool pad_with_80) const;

 private:
  CbcKey(std::size_t block_bytes, CipherContext context) : block_bytes_(block_bytes), context_(std::move(context)) {}

  std::size_t block_bytes_;
  CipherContext context_;
};

}  // namespace swiperig
