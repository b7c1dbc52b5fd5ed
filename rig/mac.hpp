#pragma once
// The keyed half of the payment wire: DES with single- or double-length keys, the message authentication codes that
// terminal hosts use, key check values and ISO 9564 format 0 PIN blocks. Key objects hold their schedules, so a MAC
// costs only the block operations; they may be moved, but one object must not be used by two threads at once. Only
// test keys ever enter here. Functions throw std::runtime_error only if OpenSSL offers no DES at all.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "rig/bytes.hpp"

struct evp_cipher_ctx_st;

namespace swiperig {

using Block = std::array<std::uint8_t, 8>;
using CheckValue = std::array<std::uint8_t, 4>;

// A single- (8 byte) or double-length (16 byte, EDE) DES key; parity bits are ignored.
class DesKey {
 public:
  // nullopt for any other length.
  static std::optional<DesKey> make(BytesView key);

  Block encrypt_block(const Block& clear) const;
  Block decrypt_block(const Block& cipher) const;
  // ECB over whole blocks, e.g. a working key under the terminal master key; nullopt unless a multiple of 8 bytes.
  std::optional<Bytes> encrypt(BytesView clear) const;
  std::optional<Bytes> decrypt(BytesView cipher) const;
  // First four bytes of eight encrypted zero bytes.
  CheckValue check_value() const;

 private:
  struct FreeContext {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;
  DesKey(Context encryptor, Context decryptor) : encryptor_(std::move(encryptor)), decryptor_(std::move(decryptor)) {}

  Context encryptor_;
  Context decryptor_;
};

// unionpay_ecb: XOR of all blocks, its hex text encrypted in two steps, answer as 8 ASCII hex characters; x9_9: DES
// CBC, zero padding; x9_19: ISO 9797-1 algorithm 3 with padding 1 (zeros) or 2 (80 then zeros); none: no MAC.
enum class MacKind : std::uint8_t { unionpay_ecb, x9_9, x9_19_pad1, x9_19_pad2, none };

std::string_view name(MacKind kind);

class MacKey {
 public:
  // unionpay_ecb takes 8 or 16 bytes, x9_9 takes 8, x9_19 takes 16, none takes anything; nullopt otherwise.
  static std::optional<MacKey> make(MacKind kind, BytesView key);

  MacKind kind() const { return kind_; }
  // The eight bytes of field 64; all zero for none.
  Block mac(BytesView data) const;
  // Whether `field64` is that MAC; always true for none.
  bool verify(BytesView data, std::string_view field64) const;

 private:
  MacKey(MacKind kind, std::optional<DesKey> first, std::optional<DesKey> second)
      : kind_(kind), first_(std::move(first)), second_(std::move(second)) {}

  MacKind kind_;
  std::optional<DesKey> first_;   // the whole key for unionpay_ecb, K1 else
  std::optional<DesKey> second_;  // K2 of x9_19
};

// One MAC with a key used once; nullopt as MacKey::make.
std::optional<Block> mac(MacKind kind, BytesView key, BytesView data);

// Clear ISO 9564 format 0 block. PIN 4-12 digits, PAN 8-19 digits (a short one is filled with zeros on the left).
std::optional<Block> pin_block_format0(std::string_view pin, std::string_view pan);

// The PIN in a clear format 0 block, nullopt if the block is none for this PAN (wrong key, wrong card).
std::optional<std::string> pin_of_format0(const Block& clear, std::string_view pan);

}  // namespace swiperig
