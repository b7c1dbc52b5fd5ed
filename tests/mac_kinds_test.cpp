// MAC kinds beside those of tests/vectors/crypto.json. Published values: the SM4 example of GB/T 32907 (GM/T 0002) and
// the series that accompanies ANSI X9.24-1 (initial key, keys, PIN blocks, MACs). The MACs with 3DES-CBC and SM4 have
// no published value: they are computed here from single blocks in a second way.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "rig/mac.hpp"

namespace swiperig {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }

const Bytes kDouble = hex("0123456789ABCDEFFEDCBA9876543210");
const Bytes kFirstKsn = hex("FFFF9876543210E00000");

Bytes some_bytes(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 37 + 11);
  return out;
}

TEST(Sm4, TheExampleOfTheStandard) {
  const auto key = CipherKey::make(Cipher::sm4, kDouble);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->block_bytes(), 16U);
  EXPECT_EQ(to_hex(*key->encrypt(kDouble)), "681EDF34D206965E86B3E94F536E4246");
  EXPECT_EQ(*key->decrypt(hex("681EDF34D206965E86B3E94F536E4246")), kDouble);
  // the standard's second example: a million times over
  Bytes block = kDouble;
  for (int i = 0; i < 1'000'000; ++i) key->encrypt_to(block, block.data());
  EXPECT_EQ(to_hex(block), "595298C7C6FD271F0402F804C33D3F66");
  EXPECT_FALSE(key->encrypt(Bytes(8, 0))) << "half a block";
  EXPECT_FALSE(CipherKey::make(Cipher::sm4, Bytes(8, 0)));
}

TEST(Mac, KindsWithoutAPublishedValueAreTheirBlocksOneByOne) {
  for (const auto& [chained, cipher] : {std::pair{MacKind::tdes_cbc, Cipher::des}, {MacKind::sm4_cbc, Cipher::sm4}}) {
    const auto key = *CipherKey::make(cipher, kDouble);
    const std::size_t size = key.block_bytes();
    for (const std::size_t length : {0U, 1U, 8U, 15U, 16U, 17U, 32U, 100U, 256U, 257U, 700U}) {
      Bytes data = some_bytes(length);
      const Block made = *mac(chained, kDouble, data);
      data.resize(std::max<std::size_t>(size, (length + size - 1) / size * size));
      Bytes state(size);
      for (std::size_t at = 0; at < data.size(); at += size) {
        for (std::size_t i = 0; i < size; ++i) state[i] ^= data[at + i];
        state = *key.encrypt(state);
      }
      EXPECT_EQ(to_hex(made), to_hex(BytesView(state).first(8))) << name(chained) << " " << length;
    }
  }
  for (const std::size_t length : {0U, 1U, 16U, 17U, 115U}) {
    const Bytes data = some_bytes(length);
    Bytes sum(16);
    for (std::size_t i = 0; i < length; ++i) sum[i % 16] ^= data[i];
    const std::string text = to_hex(sum);
    const auto key = *CipherKey::make(Cipher::sm4, kDouble);
    const Bytes half(text.begin(), text.begin() + 16);
    Bytes step = *key.encrypt(half);
    for (std::size_t i = 0; i < 16; ++i) step[i] ^= static_cast<std::uint8_t>(text[16 + i]);
    EXPECT_EQ(text_of(*mac(MacKind::sm4_ecb, kDouble, data)), to_hex(*key.encrypt(step)).substr(0, 8)) << length;
    EXPECT_EQ(*mac(MacKind::tdes_ecb, kDouble, data), *mac(MacKind::unionpay_ecb, kDouble, data));
  }
}

struct Step {
  std::uint32_t count;
  const char *key, *pin_block;
};

TEST(Dukpt, ThePublishedSeries) {
  const auto initial = dukpt_initial_key(kDouble, kFirstKsn);
  ASSERT_TRUE(initial);
  EXPECT_EQ(to_hex(*initial), "6AC292FAA1315B4D858AB3A3D7D5933A");
  EXPECT_EQ(dukpt_initial_key(kDouble, hex("FFFF9876543210EFF800")), initial) << "whatever it counts";
  const Step steps[] = {{1, "042666B49184CFA368DE9628D0397BC9", "1B9C1845EB993A7A"},
                        {2, "C46551CEF9FD24B0AA9AD834130D3BC7", "10A01C8D02C69107"},
                        {3, "0DF3D9422ACA56E547676D07AD6BADFA", "18DC07B94797B466"},
                        {4, "279C0F6AEED0BE652B2C733E1383AE91", "0BC79509D5645DF7"}};
  for (const Step& step : steps) {
    const Bytes ksn = dukpt_ksn(kFirstKsn, step.count);
    EXPECT_EQ(to_hex(*dukpt_key(*initial, ksn, DukptUse::plain)), step.key) << step.count;
    const auto pin_key = DesKey::make(*dukpt_key(*initial, ksn, DukptUse::pin));
    EXPECT_EQ(to_hex(pin_key->encrypt_block(*pin_block_format0("1234", "4012345678909"))), step.pin_block);
  }
}

TEST(Dukpt, ThePublishedMacsOfRequestAndResponse) {
  const std::string text = "4012345678909D987";
  const Bytes ksn = dukpt_ksn(kFirstKsn, 1);
  const auto host = MacKey::make(MacKind::dukpt, kDouble);
  const auto terminal = MacKey::of_terminal(*dukpt_initial_key(kDouble, kFirstKsn));
  ASSERT_TRUE(host && terminal);
  const MacTurn request{text_of(ksn), false}, response{text_of(ksn), true};
  EXPECT_EQ(to_hex(host->mac(bytes_of(text), request)), "9CCC78173FC4FB64");
  EXPECT_EQ(to_hex(host->mac(bytes_of(text), response)), "20364223C1FF00FA");
  EXPECT_EQ(terminal->mac(bytes_of(text), request), host->mac(bytes_of(text), request));
  EXPECT_TRUE(terminal->verify(bytes_of(text), text_of(hex("20364223C1FF00FA")), response));
  EXPECT_FALSE(terminal->verify(bytes_of(text), text_of(hex("20364223C1FF00FA")), request)) << "a request sent back";

  // another number is another key, and none is no key at all
  const Bytes next = dukpt_ksn(kFirstKsn, 2), other = hex("FFFF9876543211200001");
  EXPECT_FALSE(host->verify(bytes_of(text), text_of(hex("9CCC78173FC4FB64")), {text_of(next), false}));
  EXPECT_FALSE(host->verify(bytes_of(text), text_of(hex("9CCC78173FC4FB64")), {text_of(other), false}));
  EXPECT_TRUE(host->verify(bytes_of(text), text_of(hex("9CCC78173FC4FB64")), request)) << "and back again";
  EXPECT_EQ(host->mac(bytes_of(text), {"short", false}), Block{});
  EXPECT_FALSE(host->verify(bytes_of(text), std::string_view("\0\0\0\0\0\0\0\0", 8), {"short", false}));
  EXPECT_FALSE(host->verify(bytes_of(text), std::string_view("\0\0\0\0\0\0\0\0", 8)));
}

TEST(Dukpt, NumbersWithMoreThanTenOnesAreLeftOut) {
  EXPECT_EQ(dukpt_next_count(0), 1U);
  EXPECT_EQ(dukpt_next_count(0x3FF), 0x400U);
  EXPECT_EQ(dukpt_next_count(0x7FE), 0x800U) << "7FF has eleven";
  EXPECT_EQ(dukpt_next_count(0x1FF800), 0U) << "used up";
  EXPECT_EQ(to_hex(dukpt_ksn(kFirstKsn, 0x1FF800)), "FFFF9876543210FFF800");
  std::set<DukptKey> keys;
  const DukptKey initial = *dukpt_initial_key(kDouble, kFirstKsn);
  std::uint32_t count = 0;
  for (int i = 0; i < 500; ++i) {
    count = dukpt_next_count(count);
    keys.insert(*dukpt_key(initial, dukpt_ksn(kFirstKsn, count), DukptUse::plain));
  }
  EXPECT_EQ(keys.size(), 500U);
  EXPECT_FALSE(dukpt_key(Bytes(8, 0), kFirstKsn, DukptUse::plain));
  EXPECT_FALSE(dukpt_key(initial, Bytes(8, 0), DukptUse::plain));
}

TEST(Mac, EveryKindHasANameAndKnowsItsKey) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(MacKind::none); ++i) {
    const auto kind = static_cast<MacKind>(i);
    names.insert(name(kind));
    if (kind == MacKind::none || kind == MacKind::x9_9) continue;
    const auto key = MacKey::make(kind, kDouble);
    ASSERT_TRUE(key) << name(kind);
    EXPECT_EQ(key->kind(), kind);
    EXPECT_EQ(MacKey::make(kind, Bytes(8, 1)).has_value(), kind == MacKind::unionpay_ecb) << name(kind);
    EXPECT_FALSE(MacKey::make(kind, Bytes(24, 1))) << name(kind);
    const Bytes ksn = dukpt_ksn(kFirstKsn, 5);
    const MacTurn turn{text_of(ksn), false};
    const Bytes data = some_bytes(120);
    const Block good = key->mac(data, turn);
    EXPECT_TRUE(key->verify(data, text_of(good), turn));
    for (const std::size_t bit : {0U, 77U, 959U}) {
      Bytes changed = data;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_FALSE(key->verify(changed, text_of(good), turn)) << name(kind) << " " << bit;
    }
  }
  EXPECT_EQ(names.size(), 10U);
}

}  // namespace
}  // namespace swiperig
