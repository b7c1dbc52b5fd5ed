#include "rig/mask.hpp"

#include <gtest/gtest.h>

#include "tests/vectors.hpp"

namespace swiperig {
namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

TEST(Mask, EveryPanVector) {
  const auto file = vectors_in("masking.json");
  for (const auto& v : file.at("mask").as_array()) {
    const std::string pan = text(v.at("pan"));
    EXPECT_EQ(mask_pan(pan), text(v.at("first6_last4")));
    EXPECT_EQ(mask_pan(pan, PanMask::last4), text(v.at("last4")));
    const auto& eight = v.at("first8_last4_only_16plus");
    EXPECT_EQ(mask_pan(pan, PanMask::first8_last4), eight.is_null() ? mask_pan(pan) : text(eight));
    EXPECT_EQ(scrub("PAN=" + pan + ";"), "PAN=" + mask_pan(pan) + ";");
  }
  EXPECT_EQ(mask_pan(""), "");
  EXPECT_EQ(mask_pan("123456789012"), "************");
}

TEST(Mask, EveryFreeTextVector) {
  const auto file = vectors_in("masking.json");
  for (const auto& v : file.at("free_text").as_array()) EXPECT_EQ(scrub(text(v.at("inp"))), text(v.at("out")));
}

TEST(Mask, WhatMustStayStays) {
  for (const char* line : {"", "amount 000000005100 STAN 000002", "t_ns=1700000000123456786", "padded 0000000000005108",
                           "2024-06-17 10:15:12.123", "merchant 999000000000001 terminal 99900001", "x=5",
                           "0210 39=00 d=12", "621234567890126"}) {
    EXPECT_EQ(scrub(line), line);
  }
}

TEST(Mask, NoWritingOfTheNumberLeaks) {
  const std::string pan = "6212345678901265";
  const std::string middle = "567890";
  for (const std::string line :
       {"6212-3456-7890-1265", "62 12 34 56 78 90 12 65", "22 6212345678901265=30125010000000000000?",
        "37"
        "6212345678901265D3012501000000000000000",
        "id 11 6212345678901265 end", "6212345678901265\n6212345678901265",
        "000042000002"
        "6212345678901265"
        "000000005100",
        "%B6212345678901265^X", "16621234567890126500000000000000510000000210AB"}) {
    const std::string out = scrub(line);
    EXPECT_EQ(out.size(), line.size());
    EXPECT_EQ(out.find(middle), std::string::npos) << out;
    EXPECT_EQ(out.find("56 78 90"), std::string::npos) << out;
    EXPECT_EQ(out.find("3012501"), std::string::npos) << out;
    EXPECT_NE(out, line);
  }
  // a misread card is a card: no Luhn is asked in front of a separator
  EXPECT_EQ(scrub(";6212345678901266=3012501?"), ";621234******1266=*******?");
  EXPECT_EQ(scrub("%B6212345678901265^A/B^3012501 no end\nnext"), "%B621234******1265^***^**************\nnext");
}

TEST(Mask, EveryFrameOfTheVectorsAsHexDump) {
  const auto file = vectors_in("iso8583_unionpay.json");
  std::size_t with_pan = 0;
  for (const auto& v : file.at("vectors").as_array()) {
    const std::string dump = text(v.at("frame_hex"));
    const std::string out = scrub(dump);
    EXPECT_EQ(out.size(), dump.size());
    with_pan += dump.find("6212345678901265") != std::string::npos ? 1U : 0U;
    EXPECT_EQ(out.find("345678901"), std::string::npos) << out;
  }
  EXPECT_GT(with_pan, 10U);
}

TEST(Mask, FieldsOfAMessage) {
  Message m;
  m.set_mti("0200");
  m.set(2, "6212345678901265");
  m.set(4, "000000005100");
  m.set(35, "6212345678901265=30125010000000000000");
  m.set(36, "011234567890123456==1560000000000000000000");
  m.set(48, "010000000200006212345678901265000000005100");
  m.set(52, "\x01\x02\x03\x04\x05\x06\x07\x08");
  m.set(55, "chip");
  m.set(62, "not keys");
  mask_fields(m);
  EXPECT_EQ(m.field(2), "621234******1265");
  EXPECT_EQ(m.field(4), "000000005100");
  EXPECT_EQ(m.field(35), "621234******1265=********************");
  EXPECT_EQ(m.field(36), "011234********3456=***********************");
  EXPECT_EQ(m.field(48).size(), 42U);
  EXPECT_EQ(m.field(48).find("345678901"), std::string_view::npos);
  EXPECT_EQ(m.field(52), "********");
  EXPECT_EQ(m.field(55), "****");
  EXPECT_EQ(m.field(62), "not keys");
  EXPECT_FALSE(m.has(45));
  Bytes frame;
  const auto error = pack(m, {}, frame);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->field, 2);
  m.reset();
  m.set_mti("0810");
  m.set(62, "keys");
  m.set(35, "62123456789012651234");
  mask_fields(m);
  EXPECT_EQ(m.field(62), "****");
  EXPECT_EQ(m.field(35), std::string(20, '*'));
}

TEST(Mask, AnyTextKeepsItsLength) {
  std::uint64_t state = 3;
  const auto next = [&state] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state >> 33);
  };
  for (int round = 0; round < 100000; ++round) {
    std::string line;
    for (std::uint32_t n = next() % 80; n > 0; --n)
      line += "0123456789012345678901234567890123456789=D^?%B -AF\n;x"[next() % 53];
    const std::string out = scrub(line);
    ASSERT_EQ(out.size(), line.size());
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_TRUE(out[i] == line[i] || out[i] == '*');
  }
}

TEST(Mask, HoweverTheGroupsAreDividedAndWritten) {
  for (const std::string line :
       {"6212  3456  7890  1265", "6212.3456.7890.1265", "6212/3456/7890/1265", "6212_3456_7890_1265",
        "6212 - 3456 - 7890 - 1265", "6212\u00a03456\u00a07890\u00a01265", "6212\u30003456\u30007890\u30001265",
        "\uff16\uff12\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10\uff11\uff12\uff16\uff15",
        "6212345678901265123", "016212345678901265"}) {
    const std::string out = scrub("卡 " + line + " 号");
    EXPECT_EQ(out.size(), line.size() + 8) << out;
    for (const char* middle : {"567890", "3456", "7890", "\uff17\uff18"}) {
      EXPECT_EQ(out.find(middle), std::string::npos) << out;
    }
  }
  // the twins: no card number, or no longer one number
  for (const std::string line :
       {"6212  3456  7890  1266", "6212    3456    7890    1265", "6212:3456:7890:1265", "卡 号 \uff16\uff12",
        "\xff\xef\xbc 12", "2024-06-17 10:15:12.123", "6212345678901266123"}) {
    EXPECT_EQ(scrub(line), line);
  }
}

}  // namespace
}  // namespace swiperig
