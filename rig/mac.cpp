#include "rig/mac.hpp"

#include <algorithm>

namespace swiperig {
namespace {

void xor_into(Block& block, BytesView data) {
  for (std::size_t i = 0; i < data.size(); ++i) block[i] ^= data[i];
}

constexpr char kHex[] = "0123456789ABCDEF";

// The two-step MAC over the XOR of all blocks; half of the hex text of a block is a block.
Block unionpay(const CipherKey& key, BytesView data) {
  const std::size_t size = key.block_bytes();
  std::array<std::uint8_t, 16> sum{};
  for (std::size_t at = 0; at < data.size(); at += size) {
    const std::size_t n = std::min(size, data.size() - at);
    for (std::size_t i = 0; i < n; ++i) sum[i] ^= data[at + i];
  }
  const auto hex = [&](std::size_t i) {
    return static_cast<std::uint8_t>(kHex[sum[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15]);
  };
  std::array<std::uint8_t, 16> block{}, step{};
  for (std::size_t i = 0; i < size; ++i) block[i] = hex(i);
  key.encrypt_to(BytesView(block).first(size), step.data());
  for (std::size_t i = 0; i < size; ++i) step[i] ^= hex(size + i);
  key.encrypt_to(BytesView(step).first(size), sum.data());
  Block answer{};
  for (std::size_t i = 0; i < answer.size(); ++i) answer[i] = hex(i);
  return answer;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// 0000 and the twelve digits left of the check digit.
std::optional<Block> pan_part(std::string_view pan) {
  if (pan.size() < 8 || pan.size() > 19 || !all_digits(pan)) return std::nullopt;
  Block out{};
  std::size_t nibble = 16;
  for (std::size_t i = pan.size() - 1; i-- > 0 && nibble > 4;) {
    --nibble;
    out[nibble / 2] |= static_cast<std::uint8_t>((pan[i] - '0') << (nibble % 2 == 0 ? 4 : 0));
  }
  return out;
}

}  // namespace

std::string_view name(MacKind kind) {
  switch (kind) {
    case MacKind::unionpay_ecb: return "unionpay_ecb";
    case MacKind::x9_9: return "x9_9";
    case MacKind::x9_19_pad1: return "x9_19_pad1";
    case MacKind::x9_19_pad2: return "x9_19_pad2";
    case MacKind::tdes_ecb: return "tdes_ecb";
    case MacKind::tdes_cbc: return "tdes_cbc";
    case MacKind::dukpt: return "dukpt";
    case MacKind::sm4_ecb: return "sm4_ecb";
    case MacKind::sm4_cbc: return "sm4_cbc";
    case MacKind::none: break;
  }
  return "none";
}

Cipher cipher_of(MacKind kind) {
  return kind == MacKind::sm4_ecb || kind == MacKind::sm4_cbc ? Cipher::sm4 : Cipher::des;
}

std::optional<MacKey::Retail> MacKey::Retail::make(BytesView key) {
  if (key.size() != 16) return std::nullopt;
  return Retail{*CbcKey::make(Cipher::des, key.first(8)), *DesKey::make(key.first(8)), *DesKey::make(key.last(8))};
}

Block MacKey::Retail::mac(BytesView data, bool pad_with_80) const {
  return first.encrypt_block(second.decrypt_block(chain.last_block(data, pad_with_80)));
}

struct MacKey::Derived {
  Bytes base, initial;  // a host has both, the initial key being that of the last terminal it heard; a terminal one
  Bytes ksn, device;
  std::optional<Retail> request, response;

  const Retail* key(const MacTurn& turn) {
    if (turn.ksn.size() != kKsnBytes) return nullptr;
    const BytesView wanted = bytes_of(turn.ksn);
    if (text_of(ksn) != turn.ksn) {
      request.reset();
      response.reset();
      ksn.assign(wanted.begin(), wanted.end());
      const Bytes of = dukpt_ksn(wanted, 0);
      if (!base.empty() && of != device) {
        const DukptKey made = *dukpt_initial_key(base, of);
        initial.assign(made.begin(), made.end());
        device = of;
      }
    }
    auto& wants = turn.response ? response : request;
    if (!wants) {
      wants = Retail::make(*dukpt_key(initial, ksn, turn.response ? DukptUse::mac_response : DukptUse::mac_request));
    }
    return &*wants;
  }
};

MacKey::MacKey(MacKind kind) : kind_(kind) {}

std::optional<MacKey> MacKey::make(MacKind kind, BytesView key) {
  MacKey out(kind);
  switch (kind) {
    case MacKind::none: return out;
    case MacKind::unionpay_ecb:
      out.ecb_ = CipherKey::make(Cipher::des, key);
      if (!out.ecb_) return std::nullopt;
      return out;
    case MacKind::x9_9:
      if (key.size() != 8) return std::nullopt;
      out.cbc_ = CbcKey::make(Cipher::des, key);
      return out;
    default: break;
  }
  if (key.size() != 16) return std::nullopt;
  switch (kind) {
    case MacKind::tdes_ecb:
    case MacKind::sm4_ecb: out.ecb_ = CipherKey::make(cipher_of(kind), key); break;
    case MacKind::tdes_cbc:
    case MacKind::sm4_cbc: out.cbc_ = CbcKey::make(cipher_of(kind), key); break;
    case MacKind::dukpt:
      out.derived_ = std::make_shared<Derived>();
      out.derived_->base.assign(key.begin(), key.end());
      break;
    default: out.retail_ = Retail::make(key); break;
  }
  return out;
}

std::optional<MacKey> MacKey::of_terminal(BytesView initial_key) {
  if (initial_key.size() != 16) return std::nullopt;
  MacKey out(MacKind::dukpt);
  out.derived_ = std::make_shared<Derived>();
  out.derived_->initial.assign(initial_key.begin(), initial_key.end());
  return out;
}

std::optional<Block> MacKey::made(BytesView data, const MacTurn& turn) const {
  if (ecb_) return unionpay(*ecb_, data);
  if (cbc_) return cbc_->last_block(data, false);
  if (retail_) return retail_->mac(data, kind_ == MacKind::x9_19_pad2);
  if (!derived_) return Block{};
  const Retail* key = derived_->key(turn);
  if (key == nullptr) return std::nullopt;
  return key->mac(data, false);
}

Block MacKey::mac(BytesView data, const MacTurn& turn) const { return made(data, turn).value_or(Block{}); }

bool MacKey::verify(BytesView data, std::string_view field64, const MacTurn& turn) const {
  if (kind_ == MacKind::none) return true;
  const auto good = made(data, turn);
  return good && field64 == text_of(*good);
}

std::optional<Block> mac(MacKind kind, BytesView key, BytesView data, const MacTurn& turn) {
  const auto scheduled = MacKey::make(kind, key);
  if (!scheduled) return std::nullopt;
  return scheduled->mac(data, turn);
}

std::optional<Block> pin_block_format0(std::string_view pin, std::string_view pan) {
  if (pin.size() < 4 || pin.size() > 12 || !all_digits(pin)) return std::nullopt;
  auto block = pan_part(pan);
  if (!block) return std::nullopt;
  (*block)[0] ^= static_cast<std::uint8_t>(pin.size());
  for (std::size_t i = 0; i < 14; ++i) {
    const unsigned nibble = i < pin.size() ? static_cast<unsigned>(pin[i] - '0') : 15U;
    (*block)[1 + i / 2] ^= static_cast<std::uint8_t>(nibble << (i % 2 == 0 ? 4 : 0));
  }
  return block;
}

std::optional<std::string> pin_of_format0(const Block& clear, std::string_view pan) {
  auto block = pan_part(pan);
  if (!block) return std::nullopt;
  xor_into(*block, clear);
  const std::size_t length = (*block)[0];
  if (length < 4 || length > 12) return std::nullopt;
  std::string pin;
  for (std::size_t i = 0; i < 14; ++i) {
    const unsigned nibble = ((*block)[1 + i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15U;
    if (i < length ? nibble > 9 : nibble != 15) return std::nullopt;
    if (i < length) pin += static_cast<char>('0' + nibble);
  }
  return pin;
}

}  // namespace swiperig
