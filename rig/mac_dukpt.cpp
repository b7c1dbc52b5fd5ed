#include "rig/mac_dukpt.hpp"

#include <algorithm>
#include <bit>

namespace swiperig {
namespace {

constexpr std::uint32_t kCountMask = 0x1FFFFF;

// C0C0C0C0 00000000 twice, which makes the other half of a key
DukptKey masked(DukptKey key) {
  for (const std::size_t i : {0U, 1U, 2U, 3U, 8U, 9U, 10U, 11U}) key[i] ^= 0xC0;
  return key;
}

Block half(const DukptKey& key, std::size_t at) {
  Block out{};
  std::copy_n(key.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
  return out;
}

void clear_count(BytesView ksn, std::array<std::uint8_t, kKsnBytes>& out) {
  std::copy(ksn.begin(), ksn.end(), out.begin());
  out[7] &= 0xE0;
  out[8] = out[9] = 0;
}

// One half of the next key: the number so far, encrypted under the left half and whitened with the right one.
Block next_half(const Block& number, const DukptKey& key) {
  const Block right = half(key, 8);
  Block block = number;
  for (std::size_t i = 0; i < 8; ++i) block[i] ^= right[i];
  block = DesKey::make(half(key, 0))->encrypt_block(block);
  for (std::size_t i = 0; i < 8; ++i) block[i] ^= right[i];
  return block;
}

DukptKey joined(const Block& left, const Block& right) {
  DukptKey key{};
  std::copy(left.begin(), left.end(), key.begin());
  std::copy(right.begin(), right.end(), key.begin() + 8);
  return key;
}

std::uint32_t count_of(BytesView ksn) {
  return (std::uint32_t{ksn[7]} << 16 | std::uint32_t{ksn[8]} << 8 | ksn[9]) & kCountMask;
}

}  // namespace

std::optional<DukptKey> dukpt_initial_key(BytesView base_derivation_key, BytesView ksn) {
  if (base_derivation_key.size() != 16 || ksn.size() != kKsnBytes) return std::nullopt;
  std::array<std::uint8_t, kKsnBytes> device{};
  clear_count(ksn, device);
  Block number{};
  std::copy_n(device.begin(), 8, number.begin());
  DukptKey base{};
  std::copy(base_derivation_key.begin(), base_derivation_key.end(), base.begin());
  return joined(DesKey::make(base)->encrypt_block(number), DesKey::make(masked(base))->encrypt_block(number));
}

std::uint32_t dukpt_next_count(std::uint32_t count) {
  do {
    ++count;
  } while (std::popcount(count) > 10);
  return count > kCountMask ? 0 : count;
}

Bytes dukpt_ksn(BytesView ksn, std::uint32_t count) {
  std::array<std::uint8_t, kKsnBytes> out{};
  clear_count(ksn, out);
  out[7] |= static_cast<std::uint8_t>(count >> 16 & 0x1F);
  out[8] = static_cast<std::uint8_t>(count >> 8);
  out[9] = static_cast<std::uint8_t>(count);
  return {out.begin(), out.end()};
}

std::optional<DukptKey> dukpt_key(BytesView initial_key, BytesView ksn, DukptUse use) {
  if (initial_key.size() != 16 || ksn.size() != kKsnBytes) return std::nullopt;
  const std::uint32_t count = count_of(ksn);
  std::array<std::uint8_t, kKsnBytes> number{};
  clear_count(ksn, number);
  DukptKey key{};
  std::copy(initial_key.begin(), initial_key.end(), key.begin());
  for (std::uint32_t bit = 1U << 20; bit != 0; bit >>= 1) {
    if ((count & bit) == 0) continue;
    number[7] |= static_cast<std::uint8_t>(bit >> 16);
    number[8] |= static_cast<std::uint8_t>(bit >> 8);
    number[9] |= static_cast<std::uint8_t>(bit);
    Block low{};
    std::copy_n(number.begin() + 2, 8, low.begin());
    const Block right = next_half(low, key);
    key = joined(next_half(low, masked(key)), right);
  }
  switch (use) {
    case DukptUse::plain: break;
    case DukptUse::pin: key[7] ^= 0xFF, key[15] ^= 0xFF; break;
    case DukptUse::mac_request: key[6] ^= 0xFF, key[14] ^= 0xFF; break;
    case DukptUse::mac_response: key[4] ^= 0xFF, key[12] ^= 0xFF; break;
  }
  return key;
}

}  // namespace swiperig
