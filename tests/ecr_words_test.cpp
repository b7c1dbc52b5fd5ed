// Card data in frames: text and packed digits, by a profile's rules and without one, in what is told and in what is
// kept of the wire; each with a twin that has none.
#include "rig/ecr_words.hpp"

#include <gmock/gmock.h>

#include "rig/zvt.hpp"
#include "tests/kept_stream.hpp"
#include "tests/vectors.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::Not;

using Leaves = MaskRule::Leaves;

std::string raw(std::string_view hex) { return std::string(text_of(from_hex(hex).value_or(Bytes{}))); }

TerminalLink link_of(EcrFraming::Kind kind, bool binary) {
  TerminalLink link;
  link.framing.kind = kind;
  link.framing.binary = binary;
  return link;
}

MaskRule rule(std::string begins, Leaves leaves) {
  MaskRule r;
  r.begins = std::move(begins);
  r.leaves = leaves;
  return r;
}
MaskRule between(std::string begins, std::string after, std::string until, Leaves leaves) {
  MaskRule r = rule(std::move(begins), leaves);
  r.after = std::move(after);
  r.until = std::move(until);
  return r;
}
MaskRule bytes(std::string begins, std::size_t from, std::size_t to, Leaves leaves) {
  MaskRule r = rule(std::move(begins), leaves);
  r.from = from;
  r.to = to;
  return r;
}
constexpr std::size_t kEnd = static_cast<std::size_t>(-1);

std::string masked(const TerminalLink& link, std::string data) {
  FrameMasker masker(link);
  const std::size_t size = data.size();
  masker.mask(data);
  EXPECT_EQ(data.size(), size);
  return data;
}

TEST(EcrWords, CardNumbersInTextGoWithoutAnyRule) {
  const TerminalLink link;
  EXPECT_EQ(masked(link, "P|6212345678901265"), "P|621234******1265");
  EXPECT_EQ(masked(link, "P|6212345678901266"), "P|6212345678901266") << "no card number";
}

TEST(EcrWords, RulesMaskWhatOnlyTheProfileKnows) {
  TerminalLink link;
  link.masks = {between("C|", "|CARD|", "|", Leaves::pan), bytes("G|", 2, 4, Leaves::nothing)};
  EXPECT_EQ(masked(link, "C|1|CARD|6212345678901266|CARD|12345|"), "C|1|CARD|621234******1266|CARD|*****|");
  EXPECT_EQ(masked(link, "D|1|CARD|6212345678901266|"), "D|1|CARD|6212345678901266|") << "of other frames nothing";
  EXPECT_EQ(masked(link, "G|secret"), "G|***ret");
  EXPECT_EQ(masked(link, "G|s"), "G|*");
  EXPECT_EQ(masked(link, "C|1|CARD|"), "C|1|CARD|");
}

TEST(EcrWords, PackedDigitsAreMaskedAndStayNoDigits) {
  TerminalLink link = link_of(EcrFraming::Kind::length, true);
  EXPECT_EQ(masked(link, raw("FF01"
                             "6212345678901265"
                             "FF")),
            raw("FF01"
                "621234EEEEEE1265"
                "FF"))
      << "found by itself";
  EXPECT_EQ(masked(link, raw("FF01"
                             "6212345678901266"
                             "FF")),
            raw("FF01"
                "6212345678901266"
                "FF"))
      << "no card number";
  EXPECT_EQ(frame_text(link, raw("FF01621234EEEEEE1265")), "FF 01 62 12 34 EE EE EE 12 65");
  link.masks = {bytes(raw("AA"), 1, 8, Leaves::packed_pan)};
  EXPECT_EQ(masked(link, raw("AA"
                             "6212345678901266"
                             "01")),
            raw("AA"
                "621234EEEEEE1266"
                "01"));
  EXPECT_EQ(masked(link, raw("AA"
                             "6212345678901266"
                             "D2512201"
                             "01"))
                .substr(0, 9),
            raw("AA"
                "621234EEEEEE1266"));
  link.masks = {bytes(raw("AA"), 1, kEnd, Leaves::packed_pan)};
  EXPECT_EQ(masked(link, raw("AA"
                             "6212345678901266"
                             "D2512201")),
            raw("AA"
                "621234EEEEEE1266"
                "DEEEEEEE"))
      << "behind the separator nothing";
  link.masks = {bytes("", 1, kEnd, Leaves::nothing)};
  EXPECT_EQ(masked(link, raw("AA0102")), raw("AAEEEE"));
}

TEST(EcrWords, ZvtFieldsHaveTheirNamesInOneOrderAndNoCardData) {
  const TerminalLink link = link_of(EcrFraming::Kind::zvt_serial, true);
  const auto said = [&](std::string_view hex) { return frame_text(link, masked(link, raw(hex))); };
  // the published status information of a declined payment (tests/vectors/frames.json)
  EcrCutter cutter(link.framing);
  std::optional<Cut> cut;
  const auto file = vectors_in("frames.json");
  const std::string wire = raw(std::string(file.at("zvt_published").as_array()[2].as_string()));
  for (const char c : wire) cut = cutter.take(static_cast<std::uint8_t>(c));
  const std::string told = said(to_hex(bytes_of(cut.value().data)));
  EXPECT_EQ(told,
            "04 0F amount=000000004000; trace=613995; time=093848; date=0425; expiry=**; card_sequence=0001; "
            "payment=40; pan=EEEEEEEEEEDEEEEEEEEEEE; result=00; terminal=60099914; currency=0978; receipt=0175; "
            "card_type=02;");
  EXPECT_EQ(said("040F0E"
                 "22F0F86212345678901265"
                 "270B"),
            "04 0F pan=621234EEEEEE1265; result=0B;");
  EXPECT_EQ(said("06D107"
                 "00"
                 "48616C6C6F21"),
            "06 D1 attribute=00; text=Hallo!;");
  EXPECT_EQ(said("06D111"
                 "00" +
                 to_hex(bytes_of("6212345678901265"))),
            "06 D1 attribute=00; text=621234******1265;");
  EXPECT_EQ(said("04FF020A05"), "04 FF status=0A; minutes=05;");
  EXPECT_EQ(said("061E016C"), "06 1E result=6C;");
  EXPECT_EQ(said("800000"), "80 00");
  EXPECT_EQ(said("0600061234560102AA"), "06 00 unread=6;") << "a password is in it";
  EXPECT_EQ(said("040F0527009901020"), "") << "no even number of digits: not a frame at all";
}

TEST(EcrWords, ZvtThatLiesIsReadAsFarAsItGoesAndTheRestIsGone) {
  const TerminalLink link = link_of(EcrFraming::Kind::zvt, true);
  for (const auto& [hex, text] : {std::pair{"040F06"
                                            "2700"
                                            "99010203",
                                            "04 0F result=00; unread=4;"},
                                  {"040F06"
                                   "2700"
                                   "2700"
                                   "0401",
                                   "04 0F result=00; unread=4;"},
                                  {"040F05"
                                   "22F9F96212",
                                   "04 0F unread=5;"},
                                  {"040F05"
                                   "22FF016212",
                                   "04 0F unread=5;"},
                                  {"040F04"
                                   "0684FFFF",
                                   "04 0F unread=4;"},
                                  {"040F02"
                                   "0601",
                                   "04 0F unread=2;"},
                                  {"04", "04"},
                                  {"040F", "04 0F"},
                                  {"040FFF01", "04 0F unread=1;"},
                                  {"", ""}}) {
    const std::string data = masked(link, raw(hex));
    EXPECT_EQ(frame_text(link, data), text) << hex;
    EXPECT_EQ(data.find(raw("6212")), data.npos) << hex;
  }
}

TEST(EcrWords, AReportIsItsIdAndTheRest) {
  EXPECT_EQ(frame_text(link_of(EcrFraming::Kind::hid_report, true), raw("025201")), "report 2: 52 01");
  EXPECT_EQ(frame_text(link_of(EcrFraming::Kind::hid_report, false), raw("02524541445900000000")), "report 2: READY");
  EXPECT_EQ(frame_text(link_of(EcrFraming::Kind::hid_report, false), ""), "");
}

TEST(EcrWords, ANumberInTwoReportsIsMaskedWhole) {
  const TerminalLink link = link_of(EcrFraming::Kind::hid_report, false);
  FrameMasker masker(link);
  std::string all;
  for (std::string report : {"\x01"
                             "CARD 62",
                             "\x01"
                             "1234567",
                             "\x01"
                             "8901265"}) {
    masker.mask(report);
    all += report.substr(1) + "/";
  }
  EXPECT_EQ(all, "CARD 62/*******/*******/");
  std::string alone = std::string(
                          "\x01"
                          "SUM 120",
                          8) +
                      std::string(3, '\0');
  masker.mask(alone);
  EXPECT_EQ(alone.substr(1, 7), "SUM 120") << "the twin: nothing goes on";
}

std::string kept(const TerminalLink& link, const std::vector<std::string>& transfers, StreamShape shape = {}) {
  MaskedStream stream(std::make_shared<const TerminalLink>(link), shape);
  return kept(stream, transfers, link.framing.binary);
}

TEST(FramedStream, PackedNumbersAreGoneFromWhatIsKeptAndSoIsTheCheckValue) {
  const TerminalLink link = link_of(EcrFraming::Kind::zvt_serial, true);
  const std::string apdu =
      raw("040F0E"
          "22F0F86212345678901265"
          "270B");
  const std::string wire = ecr_frame(link.framing, apdu);
  const std::string all = kept(link, {wire.substr(0, 9), wire.substr(9), "\x06"});
  EXPECT_THAT(all, HasSubstr("[1002040F0E22F0F862][1234EEEEEE1265270B1003EEEE|2-4, 11-12][06]/"));
  const std::string harmless = ecr_frame(link.framing, raw("040F02270B"));
  EXPECT_EQ(kept(link, {harmless}), "[" + to_hex(bytes_of(harmless)) + "]/") << "the twin";
}

TEST(FramedStream, AnEscapedByteGoesWithWhatEscapesIt) {
  const TerminalLink link = link_of(EcrFraming::Kind::zvt_serial, true);
  // 62 12 34 10 78 ... has a byte 10 among the masked ones; checked by Luhn nowhere, the field says what it is
  const std::string wire = ecr_frame(link.framing, raw("040F0C"
                                                       "22F0F86212341010901265"));
  EXPECT_THAT(kept(link, {wire}), HasSubstr("621234EEEEEEEEEE1265"));
}

TEST(FramedStream, WhatIsNoFrameLosesItsDigitsOrEverything) {
  EXPECT_EQ(kept(link_of(EcrFraming::Kind::zvt_serial, true), {raw("62123456"), raw("1002040F")}),
            "[2A2A2A2A|0-3]/[2A2A2A2A|0-3]");
  TerminalLink text;
  text.masks = {rule("Z", Leaves::nothing)};
  EXPECT_EQ(kept(text, {"ab12", "\x02S|12"}), "[ab**|2-3]/[\x02S|**|3-4]");
  std::string broken = ecr_frame(text.framing, "S|1");
  broken.back() = 'x';
  EXPECT_EQ(kept(text, {broken}), "[\x02S|*\x03x|3]/");
  EXPECT_EQ(kept(text, {ecr_frame(text.framing, "S|1")}), "[" + ecr_frame(text.framing, "S|1") + "]/") << "the twin";
}

TEST(FramedStream, ChipsStatusBytesAreNoPartOfTheStream) {
  TerminalLink link = link_of(EcrFraming::Kind::length, true);
  const std::string frame = ecr_frame(link.framing, raw("01621234567890126501"));
  const std::string packets = "\x01\x60" + frame.substr(0, 6) + "\x01\x60" + frame.substr(6);
  EXPECT_EQ(kept(link, {packets}, {8, 2}), "[0160000A016212340160EEEEEE126501|10-12]/");
}

TEST(FramedStream, NoStreamIsHeldForEver) {
  TerminalLink link = link_of(EcrFraming::Kind::length, true);
  link.framing.longest = 8192;
  MaskedStream stream(std::make_shared<const TerminalLink>(link));
  std::size_t most = 0, in = 0, out = 0;
  for (int i = 0; i < 5000; ++i) {
    UsbTransfer t;
    if (i % 3 != 0) t.bytes.assign(static_cast<std::size_t>(i % 7), 0x1F);
    in += t.bytes.size();
    for (const UsbTransfer& one : stream.push(std::move(t))) out += one.bytes.size();
    most = std::max(most, in - out);
  }
  for (const UsbTransfer& one : stream.flush()) out += one.bytes.size();
  EXPECT_EQ(in, out);
  EXPECT_LE(most, 16'384U);
}

TEST(FramedStream, AKeyboardsReportsAreKeptByTheirLength) {
  const TerminalLink link = link_of(EcrFraming::Kind::hid_report, false);
  EXPECT_EQ(kept(link, {"abc"}, {.secret = true}), "[***|0-2]/");
  EXPECT_EQ(kept(link, {"abc"}), "[abc]/");
}

}  // namespace
}  // namespace swiperig
