#include "rig/masked_stream.hpp"

#include <gtest/gtest.h>

namespace swiperig {
namespace {

/// What is kept of these transfers, each in brackets, with the places that were masked.
std::string kept(const std::vector<std::string>& transfers) {
  MaskedStream stream;
  std::string out;
  const auto show = [&](const std::vector<UsbTransfer>& ready) {
    for (const UsbTransfer& t : ready) {
      out += "[" + std::string(text_of(t.bytes)) + (t.masked.empty() ? "" : "|" + t.masked) + "]";
    }
  };
  for (const std::string& text : transfers) {
    UsbTransfer t;
    t.bytes.assign(text.begin(), text.end());
    show(stream.push(std::move(t)));
  }
  out += "/";
  show(stream.flush());
  return out;
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
