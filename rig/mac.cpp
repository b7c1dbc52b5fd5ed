#include "rig/mac.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace swiperig {
namespace {

const EVP_CIPHER* algorithm() {
  // EDE3 serves single DES too (K1 = K2 = K3), which OpenSSL 3 alone keeps in its legacy provider
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "DES-EDE3-ECB", nullptr);
  if (fetched == nullptr) throw std::runtime_error("OpenSSL offers no DES-EDE3-ECB");
  return fetched;
}

EVP_CIPHER_CTX* schedule(const std::array<std::uint8_t, 24>& key, bool encrypt) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  if (context == nullptr ||
      EVP_CipherInit_ex2(context, algorithm(), key.data(), nullptr, encrypt ? 1 : 0, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
    EVP_CIPHER_CTX_free(context);
    throw std::runtime_error("DES key schedule failed");
  }
  return context;
}

void run(EVP_CIPHER_CTX* context, BytesView in, std::uint8_t* out) {
  int written = 0;
  if (EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) != 1 ||
      static_cast<std::size_t>(written) != in.size()) {
    throw std::runtime_error("DES failed");
  }
}

std::optional<Bytes> run_blocks(EVP_CIPHER_CTX* context, BytesView in) {
  if (in.size() % 8 != 0 || in.size() > (1U << 20)) return std::nullopt;
  Bytes out(in.size());
  if (!in.empty()) run(context, in, out.data());
  return out;
}

void xor_into(Block& block, BytesView data) {
  for (std::size_t i = 0; i < data.size(); ++i) block[i] ^= data[i];
}

std::array<char, 16> hex_of(const Block& block) {
  std::array<char, 16> out{};
  for (std::size_t i = 0; i < 8; ++i) {
    out[2 * i] = "0123456789ABCDEF"[block[i] >> 4];
    out[2 * i + 1] = "0123456789ABCDEF"[block[i] & 15];
  }
  return out;
}

Block unionpay(const DesKey& key, BytesView data) {
  Block sum{};
  for (; !data.empty(); data = data.subspan(std::min<std::size_t>(8, data.size()))) {
    xor_into(sum, data.first(std::min<std::size_t>(8, data.size())));
  }
  const auto characters = hex_of(sum);
  Block block{};
  std::copy_n(characters.begin(), 8, block.begin());
  block = key.encrypt_block(block);
  for (std::size_t i = 0; i < 8; ++i) block[i] ^= static_cast<std::uint8_t>(characters[8 + i]);
  const auto answer = hex_of(key.encrypt_block(block));
  std::copy_n(answer.begin(), 8, block.begin());
  return block;
}

Block cbc(const DesKey& key, BytesView data, bool pad_with_80) {
  Block state{};
  for (; data.size() >= 8; data = data.subspan(8)) {
    xor_into(state, data.first(8));
    state = key.encrypt_block(state);
    if (data.size() == 8 && !pad_with_80) return state;
  }
  xor_into(state, data);
  if (pad_with_80) state[data.size()] ^= 0x80;
  return key.encrypt_block(state);
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

void DesKey::FreeContext::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

std::optional<DesKey> DesKey::make(BytesView key) {
  if (key.size() != 8 && key.size() != 16) return std::nullopt;
  std::array<std::uint8_t, 24> triple{};
  for (std::size_t i = 0; i < triple.size(); ++i) triple[i] = key[i % key.size()];
  Context encryptor(schedule(triple, true));
  Context decryptor(schedule(triple, false));
  return DesKey(std::move(encryptor), std::move(decryptor));
}

Block DesKey::encrypt_block(const Block& clear) const {
  Block out{};
  run(encryptor_.get(), clear, out.data());
  return out;
}

Block DesKey::decrypt_block(const Block& cipher) const {
  Block out{};
  run(decryptor_.get(), cipher, out.data());
  return out;
}

std::optional<Bytes> DesKey::encrypt(BytesView clear) const { return run_blocks(encryptor_.get(), clear); }

std::optional<Bytes> DesKey::decrypt(BytesView cipher) const { return run_blocks(decryptor_.get(), cipher); }

CheckValue DesKey::check_value() const {
  const Block block = encrypt_block({});
  return {block[0], block[1], block[2], block[3]};
}

std::string_view name(MacKind kind) {
  switch (kind) {
    case MacKind::unionpay_ecb: return "unionpay_ecb";
    case MacKind::x9_9: return "x9_9";
    case MacKind::x9_19_pad1: return "x9_19_pad1";
    case MacKind::x9_19_pad2: return "x9_19_pad2";
    case MacKind::none: break;
  }
  return "none";
}

std::optional<MacKey> MacKey::make(MacKind kind, BytesView key) {
  switch (kind) {
    case MacKind::none: return MacKey(kind, std::nullopt, std::nullopt);
    case MacKind::unionpay_ecb:
      if (auto whole = DesKey::make(key)) return MacKey(kind, std::move(whole), std::nullopt);
      return std::nullopt;
    case MacKind::x9_9:
      if (key.size() != 8) return std::nullopt;
      return MacKey(kind, DesKey::make(key), std::nullopt);
    case MacKind::x9_19_pad1:
    case MacKind::x9_19_pad2:
      if (key.size() != 16) return std::nullopt;
      return MacKey(kind, DesKey::make(key.first(8)), DesKey::make(key.last(8)));
  }
  return std::nullopt;
}

Block MacKey::mac(BytesView data) const {
  if (!first_) return {};
  if (kind_ == MacKind::unionpay_ecb) return unionpay(*first_, data);
  const Block last = cbc(*first_, data, kind_ == MacKind::x9_19_pad2);
  return second_ ? first_->encrypt_block(second_->decrypt_block(last)) : last;
}

bool MacKey::verify(BytesView data, std::string_view field64) const {
  if (kind_ == MacKind::none) return true;
  const Block good = mac(data);
  return field64 == text_of(good);
}

std::optional<Block> mac(MacKind kind, BytesView key, BytesView data) {
  const auto scheduled = MacKey::make(kind, key);
  if (!scheduled) return std::nullopt;
  return scheduled->mac(data);
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
