#pragma once
// The message authentication codes that terminal hosts use, all behind MacKey, and ISO 9564 format 0 PIN blocks. Key
// objects hold their schedules, so a MAC costs only the block operations; they may be moved, but one object must not be
// used by two threads at once. Only test keys ever enter here.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "rig/mac_cipher.hpp"
#include "rig/mac_dukpt.hpp"

namespace swiperig {

// unionpay_ecb: XOR of all blocks, its hex text encrypted in two steps, answer as 8 ASCII hex characters (DES or 3DES
// by the length of the key); tdes_ecb: that with a double-length key only; sm4_ecb: the same steps with SM4 and its
// 16-byte blocks. x9_9: DES CBC, zero padding; tdes_cbc, sm4_cbc: the same with a double-length key, with SM4 (the
// first eight bytes of its last block). x9_19: ISO 9797-1 algorithm 3 with padding 1 (zeros) or 2 (80 then zeros).
// dukpt: x9_19_pad1 under the MAC variants of a key derived per transaction. none: no MAC.
enum class MacKind : std::uint8_t {
  unionpay_ecb,
  x9_9,
  x9_19_pad1,
  x9_19_pad2,
  tdes_ecb,
  tdes_cbc,
  dukpt,
  sm4_ecb,
  sm4_cbc,
  none
};

std::string_view name(MacKind kind);
// The cipher that a host with this kind of MAC uses for its keys as well.
Cipher cipher_of(MacKind kind);

// Which message a MAC is for, where that makes a difference: DUKPT alone asks.
struct MacTurn {
  std::string_view ksn = {};  // ten bytes
  bool response = false;
};

class MacKey {
 public:
  // unionpay_ecb takes 8 or 16 bytes, x9_9 takes 8, none takes anything, the others 16 (dukpt: the base derivation
  // key); nullopt otherwise.
  static std::optional<MacKey> make(MacKind kind, BytesView key);
  // DUKPT as a terminal knows it: with its initial key. nullopt unless 16 bytes.
  static std::optional<MacKey> of_terminal(BytesView initial_key);

  MacKind kind() const { return kind_; }
  // The eight bytes of field 64; all zero for none, and for dukpt without a whole serial number.
  Block mac(BytesView data, const MacTurn& turn = {}) const;
  // Whether `field64` is that MAC; always true for none, never for dukpt without a serial number.
  bool verify(BytesView data, std::string_view field64, const MacTurn& turn = {}) const;

 private:
  struct Retail {
    CbcKey chain;
    DesKey first, second;
    static std::optional<Retail> make(BytesView key);
    Block mac(BytesView data, bool pad_with_80) const;
  };
  struct Derived;  // the keys of the last transaction, so that its response costs no derivation

  explicit MacKey(MacKind kind);
  std::optional<Block> made(BytesView data, const MacTurn& turn) const;

  MacKind kind_;
  std::optional<CipherKey> ecb_;
  std::optional<CbcKey> cbc_;
  std::optional<Retail> retail_;
  std::shared_ptr<Derived> derived_;
};

// One MAC with a key used once; nullopt as MacKey::make.
std::optional<Block> mac(MacKind kind, BytesView key, BytesView data, const MacTurn& turn = {});

// Clear ISO 9564 format 0 block. PIN 4-12 digits, PAN 8-19 digits (a short one is filled with zeros on the left).
std::optional<Block> pin_block_format0(std::string_view pin, std::string_view pan);

// The PIN in a clear format 0 block, nullopt if the block is none for this PAN (wrong key, wrong card).
std::optional<std::string> pin_of_format0(const Block& clear, std::string_view pan);

}  // namespace swiperig
