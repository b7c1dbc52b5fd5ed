// The stripe as a reader meets it: what reads and what does not follows from position, speed and electronics, found out
// by the decoder and never said by the card.
#include "fixtures/card.hpp"

#include <gtest/gtest.h>

#include "fixtures/reader.hpp"
#include "tests/console.hpp"

namespace swiperig {
namespace {

const std::string kTrack1 = "%B6212345678901265^TEST/CARD^30125010000000000?";
const std::string kTrack2 = ";6212345678901265=30125010000000000?";
const std::string kTrack3 = ";016212345678901265=000000000000?";

Card good_card() {
  Card card;
  card.track1 = kTrack1;
  card.track2 = kTrack2;
  card.track3 = kTrack3;
  return card;
}

Pass steady(double v_mm_s, bool reverse = false) {
  Pass pass;
  pass.segments = {{0, 0, v_mm_s, 0}};
  pass.reverse = reverse;
  return pass;
}

std::string read(const Card& card, const Pass& pass, int track, std::uint32_t seed, bool bidirectional = false) {
  Draws draws(seed, 0, 0, 7);
  const auto signal = flux(card, pass, draws);
  const Reader reader;
  const auto* one = track_of(signal, track);
  if (one == nullptr || reader.peaks(*one).empty()) return "nothing";
  const auto result = reader.read(track, signal, bidirectional);
  if (const auto* text = std::get_if<TrackText>(&result)) return text->text;
  return std::string(name(std::get<TrackError>(result).fault));
}

int times_read(const Card& card, const Pass& pass, int track, const std::string& text, int passes) {
  int count = 0;
  for (int i = 0; i < passes; ++i) count += read(card, pass, track, static_cast<std::uint32_t>(i)) == text;
  return count;
}

TEST(Card, ReadsAlwaysAtHandSpeed) {
  for (const double v : {200.0, 500.0, 1000.0}) {
    EXPECT_EQ(times_read(good_card(), steady(v), 1, kTrack1, 300), 300) << v;
    EXPECT_EQ(times_read(good_card(), steady(v), 2, kTrack2, 300), 300) << v;
    EXPECT_EQ(times_read(good_card(), steady(v), 3, kTrack3, 300), 300) << v;
  }
}

TEST(Card, ReadsOverTheRangeReadersAreSoldFor) {
  EXPECT_EQ(times_read(good_card(), steady(76), 2, kTrack2, 50), 50);
  EXPECT_GE(times_read(good_card(), steady(1524), 2, kTrack2, 100), 95);
  EXPECT_GE(times_read(good_card(), steady(1524), 1, kTrack1, 100), 90);
}

TEST(Card, TooFastNeverReads) {
  for (int track = 1; track <= 3; ++track) {
    const auto text = track == 1 ? kTrack1 : track == 2 ? kTrack2 : kTrack3;
    EXPECT_EQ(times_read(good_card(), steady(2000), track, text, 300), 0) << track;
  }
}

TEST(Card, TooSlowIsNothingAtAll) {
  EXPECT_EQ(read(good_card(), steady(44), 2, 1), "nothing");
  EXPECT_EQ(read(good_card(), steady(57), 2, 1), kTrack2);
  // at the noise floor some peaks are above and some below it
  EXPECT_NE(read(good_card(), steady(50), 2, 1), "nothing");
  EXPECT_NE(read(good_card(), steady(50), 2, 1), kTrack2);
}

TEST(Card, TheWrongWayRoundOnlyABidirectionalReaderReads) {
  EXPECT_EQ(read(good_card(), steady(500, true), 2, 1, true), kTrack2);
  EXPECT_NE(read(good_card(), steady(500, true), 2, 1, false), kTrack2);
  EXPECT_EQ(read(good_card(), steady(500, false), 2, 1, true), kTrack2);
}

TEST(Card, TimesAreThoseOfTheGeometry) {
  Card card = good_card();
  card.track1 = card.track3 = "";
  card.jitter_share = 0;
  Draws draws(1, 0, 0, 7);
  const auto signal = flux(card, steady(500), draws);
  ASSERT_EQ(signal.size(), 1u);
  const auto& t = signal[0].t_ns;
  EXPECT_EQ(t[0], 0);
  // 0.338667 mm at 500 mm/s; 7.44 mm hold 21 whole zeros before the sentinel's first bit, a 1
  for (std::size_t i = 1; i <= 21; ++i) EXPECT_NEAR(static_cast<double>(t[i]), 677333.3 * static_cast<double>(i), 2);
  EXPECT_NEAR(static_cast<double>(t[22] - t[21]), 677333.3 / 2, 2);
  // zeros to the other edge: nearly 85.6 mm in all
  EXPECT_NEAR(static_cast<double>(t.back()), 171.2e6, 1.5e6);
}

TEST(Card, DensityScalesTheBits) {
  Card card = good_card();
  card.jitter_share = 0;
  card.density_scale = 1.08;
  Draws draws(1, 0, 0, 7);
  const auto signal = flux(card, steady(500), draws);
  const auto& t = track_of(signal, 2)->t_ns;
  EXPECT_NEAR(static_cast<double>(t[2] - t[1]), 677333.3 / 1.08, 2);
  EXPECT_EQ(read(card, steady(500), 2, 1), kTrack2);
}

TEST(Card, FollowsAHandThatSpeedsUpAndSlowsDown) {
  Pass pass;
  // 300 to 500 mm/s over 40 mm, then down again
  pass.segments = {{0, 0, 300, 2000}, {0.1, 40, 500, -2000}};
  EXPECT_EQ(times_read(good_card(), pass, 2, kTrack2, 100), 100);
  EXPECT_EQ(times_read(good_card(), pass, 1, kTrack1, 100), 100);
}

TEST(Card, AJerkMakesReadErrors) {
  Pass pass;
  pass.segments = {{0, 0, 60, 0}, {30 / 60.0, 30, 60, 60'000}};
  EXPECT_EQ(times_read(good_card(), pass, 2, kTrack2, 50), 0);
}

TEST(Card, StoppingInTheMiddleTruncates) {
  Pass pass;
  pass.segments = {{0, 0, 400, 0}, {40 / 400.0, 40, 0, 0}};
  pass.end_mm = 40;
  EXPECT_EQ(read(good_card(), pass, 2, 1), "no_end_sentinel");
  // and going on a second later does not help
  pass.segments = {{0, 0, 400, 0}, {1.1, 40, 400, 0}};
  pass.end_mm = kCardLengthMm;
  EXPECT_EQ(read(good_card(), pass, 2, 1), "no_end_sentinel");
}

TEST(Card, ScratchesMakeReadErrors) {
  Card card = good_card();
  card.dropout_rate = 0.05;
  EXPECT_EQ(times_read(card, steady(500), 2, kTrack2, 100), 0);
  card.dropout_rate = 0.001;
  const int some = times_read(card, steady(500), 2, kTrack2, 300);
  EXPECT_GT(some, 150);
  EXPECT_LT(some, 300);
}

TEST(Card, WearsOut) {
  Card card = good_card();
  card.swipes = 1000;
  EXPECT_EQ(times_read(card, steady(500), 2, kTrack2, 200), 200);
  card.swipes = 3'000'000;
  EXPECT_LT(times_read(card, steady(500), 2, kTrack2, 200), 20);
}

TEST(Card, ABlankCardIsNothing) {
  EXPECT_EQ(read(Card{}, steady(500), 2, 1), "nothing");
  EXPECT_EQ(fault_of(Card{}), "");
}

TEST(Card, SaysWhatIsWrongWithACardAndNeverQuotesIt) {
  EXPECT_EQ(fault_of(good_card()), "");
  Card card = good_card();
  card.track2 = ";62123456789O1265?";
  EXPECT_EQ(fault_of(card), "track 2 is too long or has a character that it cannot hold");
  card = good_card();
  card.dropout_rate = 2;
  EXPECT_NE(fault_of(card), "");
}

TEST(Card, OneSeedOneSignal) {
  Draws a(5, 1, 2, 3), b(5, 1, 2, 3), c(5, 1, 3, 3);
  const auto first = flux(good_card(), steady(500), a);
  const auto same = flux(good_card(), steady(500), b);
  const auto other = flux(good_card(), steady(500), c);
  EXPECT_EQ(first[0].t_ns, same[0].t_ns);
  EXPECT_NE(first[0].t_ns, other[0].t_ns);
}

}  // namespace
}  // namespace swiperig
