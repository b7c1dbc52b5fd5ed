#include "rig/masked_stream.hpp"

#include <gtest/gtest.h>

#include <random>

#include "rig/mask.hpp"
#include "tests/kept_stream.hpp"

namespace swiperig {
namespace {

std::string kept(const std::vector<std::string>& transfers) {
  MaskedStream stream;
  return kept(stream, transfers);
}

TEST(MaskedStream, OrdinaryTransfersGoAtOnceAndUnchanged) {
  EXPECT_EQ(kept({"\x02S|READY\x03", "\x06", ""}), "[\x02S|READY\x03][\x06][]/");
}

TEST(MaskedStream, ACardNumberIsMaskedAndItsPlaceTold) {
  EXPECT_EQ(kept({"\x02P|6212345678901265\x03"}), "[\x02P|621234******1265\x03|9-14]/");
  EXPECT_EQ(kept({"\x02P|6212345678901266\x03"}), "[\x02P|6212345678901266\x03]/") << "no card number";
}

TEST(MaskedStream, ANumberInTwoTransfersIsOneNumber) {
  EXPECT_EQ(kept({"\x02P|62123456", "78901265\x03"}), "[\x02P|621234**|9-10][****1265\x03|0-3]/");
  EXPECT_EQ(kept({"6", "2", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "1", "2", "6", "5", "\r"}),
            "[6][2][1][2][3][4][*|0][*|0][*|0][*|0][*|0][*|0][1][2][6][5][\r]/");
  EXPECT_EQ(kept({"6212 3456 ", "7890 1265"}), "/[6212 34** |7-8][**** 1265|0-3]") << "the stream ended";
  EXPECT_EQ(kept({";62123456789012", "65=30125010000\n"}), "[;621234******12|7-12][65=***********\n|3-13]/")
      << "a track";
}

TEST(MaskedStream, WhatIsHeldIsBoundedAndACutShowsNoDigits) {
  MaskedStream stream;
  std::size_t held = 0, most = 0;
  std::string out;
  for (int i = 0; i < 10'000; ++i) {
    UsbTransfer t;
    t.bytes = Bytes(64, '4');
    held += 64;
    most = std::max(most, held);
    for (const UsbTransfer& ready : stream.push(std::move(t))) {
      held -= ready.bytes.size();
      out += text_of(ready.bytes);
    }
    if (!out.empty() && out.size() % MaskedStream::kMostHeldBytes == 64) {
      EXPECT_EQ(out.substr(out.size() - 96), std::string(96, '*'));
    }
  }
  EXPECT_LE(most, MaskedStream::kMostHeldBytes + 64);
  EXPECT_GT(out.size(), 500'000U);
}

TEST(MaskedStream, FindsWhatScrubFinds) {
  const std::string alphabet[] = {
      "6212345678901265", "62123456", "=", "^", "?", "\xef\xbc\x96", "\t", "-", "\x03", "D", "a"};
  std::mt19937 random(1);
  int found = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) {
      text += random() % 2 == 0 ? std::string(1, static_cast<char>('0' + random() % 10)) : alphabet[random() % 11];
    }
    MaskedStream stream;
    UsbTransfer t;
    t.bytes.assign(text.begin(), text.end());
    auto ready = stream.push(std::move(t));
    if (ready.empty()) ready = stream.flush();
    ASSERT_EQ(text_of(ready.at(0).bytes), scrub(text));
    found += scrub(text) != text;
  }
  EXPECT_GT(found, 1000);
}

/// The quick look is never wrongly false: behind a number that is surely found everything is looked at in full.
TEST(MaskedStream, TheQuickLookForCardDataMissesNothing) {
  const std::string bits[] = {"-",
                              " ",
                              "=",
                              "^",
                              "D",
                              "d",
                              "6",
                              "62",
                              "621234567890",
                              "\n",
                              "|",
                              "\u00a0",
                              "\uff16",
                              "\uff12",
                              "\uff1d",
                              "\uff3e",
                              "?",
                              "000000000000",
                              ".",
                              "\t",
                              "1265",
                              "A",
                              "%B",
                              "\u3000",
                              "99",
                              "6212345678901265"};
  std::mt19937 random(2);
  int found = 0, left = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (auto n = random() % 16; n > 0; --n) {
      text += random() % 2 == 0 ? std::string(1, static_cast<char>('0' + random() % 10)) : bits[random() % 26];
    }
    const std::string in_full = scrub(text + "\n6212345678901265").substr(0, text.size());
    ASSERT_EQ(scrub(text), in_full) << text;
    found += in_full != text;
    left += !may_hold_card_data(text);
  }
  EXPECT_GT(found, 1000);
  EXPECT_GT(left, 1000);
}

TEST(MaskedStream, PlacesAreRangesAndBounded) {
  EXPECT_EQ(places_that_differ("abc", "abc"), "");
  EXPECT_EQ(places_that_differ("abcdef", "a*c**f"), "1, 3-4");
  EXPECT_LT(places_that_differ(std::string(1000, 'a'),
                               [] {
                                 std::string s(1000, 'a');
                                 for (std::size_t i = 0; i < s.size(); i += 2) s[i] = '*';
                                 return s;
                               }())
                .size(),
            200U);
}

}  // namespace
}  // namespace swiperig
