#include "rig/mac.hpp"

#include <gtest/gtest.h>

#include "tests/vectors.hpp"

namespace swiperig {
namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }
Bytes hex(const boost::json::value& value) { return from_hex(text(value)).value(); }

Block block(const boost::json::value& value) {
  Block out{};
  const Bytes bytes = hex(value);
  std::copy_n(bytes.begin(), 8, out.begin());
  return out;
}

TEST(Mac, EveryVector) {
  const auto file = vectors_in("crypto.json");
  std::size_t count = 0;
  for (const auto& v : file.at("mac").as_array()) {
    const Bytes key = hex(v.at("key"));
    const Bytes data = hex(v.at("data"));
    SCOPED_TRACE(text(v.at("alg")) + " " + text(v.at("data")));
    if (const auto* padding = v.as_object().if_contains("padding")) {
      const bool one = padding->as_int64() == 1;
      const MacKind kind = one ? MacKind::x9_19_pad1 : MacKind::x9_19_pad2;
      const auto result = mac(kind, key, data);
      ASSERT_TRUE(result);
      EXPECT_EQ(to_hex(*result), text(v.at("mac")));
      EXPECT_EQ(to_hex(BytesView(*result).first(4)), text(v.at("mac4")));
      EXPECT_NE(*result, *mac(one ? MacKind::x9_19_pad2 : MacKind::x9_19_pad1, key, data));
      // X9.9 pads with zeros; over data that are already padded it is the inner step of either
      const auto inner = mac(MacKind::x9_9, BytesView(key).first(8), hex(v.at("padded")));
      ASSERT_TRUE(inner);
      EXPECT_EQ(to_hex(*inner), text(v.at("x9_9_last_block")));
      if (one) {
        EXPECT_EQ(*mac(MacKind::x9_9, BytesView(key).first(8), data), *inner);
      }
    } else {
      const auto made = MacKey::make(MacKind::unionpay_ecb, key);
      ASSERT_TRUE(made);
      const Block result = made->mac(data);
      EXPECT_EQ(to_hex(result), text(v.at("mac_field64_hex")));
      EXPECT_EQ(text_of(result), text(v.at("mac_ascii")));
      EXPECT_TRUE(made->verify(data, text_of(result)));
      Bytes changed = data;
      changed[0] ^= 1;
      EXPECT_FALSE(made->verify(changed, text_of(result)));
      EXPECT_FALSE(made->verify(data, text_of(result).substr(0, 7)));
      Bytes other = key;
      other[3] ^= 2;
      EXPECT_NE(*mac(MacKind::unionpay_ecb, other, data), result);
    }
    ++count;
  }
  EXPECT_EQ(count, 13U);
}

TEST(Mac, KeyLengths) {
  const Bytes single(8, 1);
  const Bytes twice(16, 1);
  for (const std::size_t size : {0U, 7U, 9U, 15U, 24U}) {
    EXPECT_FALSE(DesKey::make(Bytes(size, 1)));
    EXPECT_FALSE(MacKey::make(MacKind::unionpay_ecb, Bytes(size, 1)));
  }
  EXPECT_TRUE(MacKey::make(MacKind::x9_9, single));
  EXPECT_FALSE(MacKey::make(MacKind::x9_9, twice));
  EXPECT_TRUE(MacKey::make(MacKind::x9_19_pad1, twice));
  EXPECT_FALSE(MacKey::make(MacKind::x9_19_pad1, single));
  EXPECT_FALSE(mac(MacKind::x9_19_pad2, single, single));
  const auto none = MacKey::make(MacKind::none, {});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->mac(single), Block{});
  EXPECT_TRUE(none->verify(single, "anything"));
  EXPECT_EQ(name(MacKind::x9_19_pad2), "x9_19_pad2");
}

TEST(Mac, EmptyDataIsOneZeroBlockUnderPaddingOne) {
  const Bytes key(8, 0x31);
  EXPECT_EQ(*mac(MacKind::x9_9, key, {}), *mac(MacKind::x9_9, key, Bytes(8, 0)));
  EXPECT_NE(*mac(MacKind::x9_9, key, {}), *mac(MacKind::x9_9, key, Bytes(16, 0)));
  EXPECT_EQ(*mac(MacKind::unionpay_ecb, key, {}), *mac(MacKind::unionpay_ecb, key, Bytes(8, 0)));
}

TEST(Keys, LogonField62DecryptsToTheWorkingKeys) {
  const auto file = vectors_in("iso8583_unionpay.json");
  const auto& keys = file.at("keys");
  const auto tmk = DesKey::make(hex(keys.at("tmk")));
  ASSERT_TRUE(tmk);
  const Bytes field = hex(keys.at("field62"));
  ASSERT_EQ(field.size(), 32U);
  const auto pin_key = tmk->decrypt(BytesView(field).first(16));
  const auto mac_key = tmk->decrypt(BytesView(field).subspan(20, 8));
  ASSERT_TRUE(pin_key && mac_key);
  EXPECT_EQ(to_hex(*pin_key), text(keys.at("pin_key")));
  EXPECT_EQ(to_hex(*mac_key), text(keys.at("mac_key")));
  EXPECT_EQ(to_hex(DesKey::make(*pin_key)->check_value()), text(keys.at("pin_key_check")));
  EXPECT_EQ(to_hex(DesKey::make(*mac_key)->check_value()), text(keys.at("mac_key_check")));
  EXPECT_EQ(to_hex(BytesView(field).subspan(16, 4)), text(keys.at("pin_key_check")));
  EXPECT_EQ(tmk->encrypt(*pin_key), Bytes(field.begin(), field.begin() + 16));
  Bytes wrong = *mac_key;
  wrong[0] ^= 0x40;
  EXPECT_NE(to_hex(DesKey::make(wrong)->check_value()), text(keys.at("mac_key_check")));
  EXPECT_FALSE(tmk->decrypt(Bytes(7, 0)));
  EXPECT_TRUE(tmk->decrypt({})->empty());
}

TEST(PinBlock, EveryVector) {
  const auto file = vectors_in("crypto.json");
  std::size_t count = 0;
  const auto check = [&](const boost::json::value& v) {
    const std::string pin = text(v.at("pin"));
    const std::string pan = text(v.at("pan"));
    const auto clear = pin_block_format0(pin, pan);
    ASSERT_TRUE(clear);
    EXPECT_EQ(to_hex(*clear), text(v.at("clear_block")));
    EXPECT_EQ(pin_of_format0(*clear, pan), pin);
    ++count;
  };
  for (const auto& v : file.at("pin_block").as_array()) {
    check(v);
    const auto key = DesKey::make(hex(v.at("key")));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->encrypt_block(block(v.at("clear_block")))), text(v.at("encrypted")));
    EXPECT_EQ(to_hex(key->decrypt_block(block(v.at("encrypted")))), text(v.at("clear_block")));
    // the wrong key gives no PIN
    EXPECT_FALSE(pin_of_format0(key->decrypt_block(block(v.at("clear_block"))), text(v.at("pan"))));
  }
  for (const auto& v : file.at("pin_block_published").as_array()) check(v);
  EXPECT_EQ(count, 8U);
}

TEST(PinBlock, Limits) {
  const std::string pan = "6212345678901265";
  EXPECT_FALSE(pin_block_format0("123", pan));
  EXPECT_FALSE(pin_block_format0("1234567890123", pan));
  EXPECT_FALSE(pin_block_format0("12a4", pan));
  EXPECT_FALSE(pin_block_format0("1234", "1234567"));
  EXPECT_FALSE(pin_block_format0("1234", "62123456789012x5"));
  EXPECT_EQ(to_hex(pin_block_format0("1234", "12345678").value()), "041234FFFEDCBA98");
  const auto clear = pin_block_format0("1234", pan);
  ASSERT_TRUE(clear);
  EXPECT_FALSE(pin_of_format0(*clear, "4111111111111111"));
  EXPECT_FALSE(pin_of_format0(*clear, ""));
}

}  // namespace
}  // namespace swiperig
