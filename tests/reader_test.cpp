// The reader between head and text: what a card, a head and a swipe must do to a signal before it no longer reads, each
// beside the swipe that does.
#include "fixtures/reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fixtures/card.hpp"
#include "rig/f2f.hpp"
#include "tests/console.hpp"

namespace swiperig {
namespace {

const std::string kTrack1 = "%B6212345678901265^TEST/CARD^30125010000000000?";
const std::string kTrack2 = ";6212345678901265=30125010000000000?";

Card card() {
  Card c;
  c.track1 = kTrack1;
  c.track2 = kTrack2;
  return c;
}

Pass at(double v_mm_s) {
  Pass pass;
  pass.segments = {{0, 0, v_mm_s, 0}};
  return pass;
}

HeadSignal seen(const Card& c, double v_mm_s, std::uint32_t cycle = 0) {
  Draws draws(1, 0, cycle, 7);
  return flux(c, at(v_mm_s), draws);
}

/// Of so many passes, how many read.
int reads(const Card& c, int track, double v_mm_s, const Reader& reader = Reader(), int passes = 100) {
  int count = 0;
  for (int i = 0; i < passes; ++i) {
    const auto result = reader.read(track, seen(c, v_mm_s, static_cast<std::uint32_t>(i)), false);
    const auto* text = std::get_if<TrackText>(&result);
    count += text != nullptr && text->text == (track == 1 ? kTrack1 : kTrack2);
  }
  return count;
}

Reader reader_with(double dirt_um, std::int64_t passes = 0) {
  ReaderSettings settings;
  settings.dirt_um = dirt_um;
  settings.passes = passes;
  return Reader(settings);
}

double mean_amplitude(const HeadSignal& signal, int track) {
  const auto& all = track_of(signal, track)->amplitude_per_mille;
  return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

TEST(Reader, AmplitudeGrowsWithTheSpeed) {
  EXPECT_NEAR(mean_amplitude(seen(card(), 500), 2), 1000, 10);
  EXPECT_NEAR(mean_amplitude(seen(card(), 100), 2), 200, 3);
  EXPECT_NEAR(mean_amplitude(seen(card(), 1500), 1), 3000, 30);
}

// DOMAIN.md 1.7: 10 um cost 1.6 dB on track 2, all ones, 4.5 dB on track 1; all zeros half of that
TEST(Reader, SpacingCostsWhatWallaceSays) {
  const auto db = [](double share) { return -20 * std::log10(share); };
  EXPECT_NEAR(db(spacing_share(10, 25.4 / 75 / 2)), 1.6, 0.05);
  EXPECT_NEAR(db(spacing_share(10, 25.4 / 210 / 2)), 4.5, 0.05);
  EXPECT_NEAR(db(spacing_share(10, 25.4 / 75)), 0.8, 0.05);
  EXPECT_EQ(spacing_share(0, 0.1), 1);
}

TEST(Reader, AzimuthCostsTheShortBitsFirst) {
  const double z = std::numbers::pi * 1.4 * std::tan(std::numbers::pi / 180) / 0.1;
  EXPECT_NEAR(azimuth_share(1, 0.1), std::sin(z) / z, 1e-12);
  EXPECT_EQ(azimuth_share(-1, 0.1), azimuth_share(1, 0.1));
  EXPECT_EQ(azimuth_share(0, 0.1), 1);
  EXPECT_EQ(azimuth_share(30, 0.1), 0);
  Card tilted = card();
  tilted.tilt_deg = 3;
  EXPECT_EQ(reads(tilted, 1, 500), 0);
  EXPECT_EQ(reads(tilted, 2, 500), 100);
  tilted.tilt_deg = 8;
  EXPECT_EQ(reads(tilted, 2, 500), 0);
  tilted.tilt_deg = 0.3;
  EXPECT_EQ(reads(tilted, 1, 500), 100);
}

TEST(Reader, ALiftedCardLosesWhatItsTrackLeavesOfTheHead) {
  EXPECT_EQ(track_share(0), 1);
  EXPECT_EQ(track_share(0.69), 1) << "the track is higher than the head";
  EXPECT_NEAR(track_share(1.395), 0.5, 1e-9);
  EXPECT_EQ(track_share(2.1), 0);
  EXPECT_EQ(track_share(20), 0);
}

TEST(Reader, ATiltedGapMeetsTheTracksAtDifferentTimes) {
  Card tilted = card();
  tilted.jitter_share = 0;
  const auto lead = [](const HeadSignal& s) { return track_of(s, 1)->t_ns.front() - track_of(s, 2)->t_ns.front(); };
  const auto straight = lead(seen(tilted, 500));
  tilted.tilt_deg = 1;
  // 3.3 mm between the tracks
  EXPECT_NEAR(static_cast<double>(straight - lead(seen(tilted, 500))),
              3.3 * std::tan(std::numbers::pi / 180) / 500 * 1e9, 3000);
}

TEST(Reader, AWeakCardReadsFastAndNotSlowly) {
  Card used = card();
  used.strength = 0.65;
  EXPECT_EQ(reads(used, 2, 500), 100);
  EXPECT_EQ(reads(used, 2, 70), 0);
  EXPECT_EQ(reads(card(), 2, 70), 100);
  Card demagnetised = card();
  demagnetised.strength = 0.05;
  EXPECT_EQ(reads(demagnetised, 2, 500), 0);
  EXPECT_EQ(std::get<TrackError>(Reader().read(2, seen(demagnetised, 500), false)).fault, TrackFault::no_transitions);
}

TEST(Reader, JitterOfTwelvePercentIsTooMuchAndFourIsNot) {
  Card c = card();
  for (const auto& [share, least, most] : {std::tuple{0.0, 100, 100}, {0.04, 100, 100}, {0.08, 0, 99}, {0.12, 0, 20}}) {
    c.jitter_share = share;
    const int count = reads(c, 2, 500);
    EXPECT_GE(count, least) << share;
    EXPECT_LE(count, most) << share;
  }
}

TEST(Reader, DensityWithinTheLimitsReads) {
  Card c = card();
  for (const double scale : {0.92, 1.08}) {
    c.density_scale = scale;
    EXPECT_EQ(reads(c, 2, 500), 100) << scale;
  }
}

TEST(Reader, DamageInOnePlaceFailsThereInEveryPass) {
  Card scratched = card(), erased = card();
  scratched.scratches_mm = {40};
  erased.erased_from_mm = 30, erased.erased_to_mm = 33;
  for (const Card& damaged : {scratched, erased}) EXPECT_EQ(reads(damaged, 2, 500), 0);
  // behind the data nobody misses anything
  scratched.scratches_mm = {84};
  EXPECT_EQ(reads(scratched, 2, 500), 100);
  // dirt on the card
  Card dirty = card();
  dirty.dirt_um = 30;
  EXPECT_EQ(reads(dirty, 2, 500), 100);
  EXPECT_EQ(reads(dirty, 1, 150), 0);
  dirty.dirt_um = 250;
  EXPECT_EQ(reads(dirty, 2, 500), 0);
}

TEST(Reader, ABurstSpoilsThePassItMeets) {
  Card c = card();
  c.burst_rate = 1;
  EXPECT_LT(reads(c, 2, 500, Reader(), 10'000), 3000);
  c.burst_rate = 0.1;
  const int some = reads(c, 2, 500);
  EXPECT_GT(some, 75);
  EXPECT_LT(some, 100);
}

TEST(Reader, PlasticAndCleaningCardsGiveNoSignal) {
  Card c = card();
  for (const auto lies : {Card::Lies::back, Card::Lies::upside_down}) {
    c.lies = lies;
    EXPECT_TRUE(seen(c, 500).empty());
  }
  c.lies = Card::Lies::front;
  EXPECT_FALSE(seen(c, 500).empty());
  c.cleaning = true;
  EXPECT_TRUE(seen(c, 500).empty());
}

TEST(Reader, DirtGrowsWithSwipesUntilACleaningCardPasses) {
  ReaderSettings settings;
  settings.dirt_um_per_pass = 0.1;
  Reader reader(settings);
  EXPECT_EQ(reads(card(), 2, 100, reader), 100);
  for (int i = 0; i < 2000; ++i) reader.rub();
  EXPECT_NEAR(reader.dirt_um(), 200, 1);
  EXPECT_EQ(reads(card(), 2, 100, reader), 0);
  for (int i = 0; i < 3; ++i) reader.rub(true);
  EXPECT_EQ(reads(card(), 2, 100, reader), 100);
  EXPECT_EQ(reader.passes(), 2003);
}

TEST(Reader, AHeadBeyondItsLifeNoLongerReadsWhatIsSlow) {
  EXPECT_EQ(reads(card(), 2, 76, reader_with(0, 1000)), 100);
  EXPECT_EQ(reads(card(), 2, 76, reader_with(0, 3'000'000)), 0);
  EXPECT_EQ(reads(card(), 2, 500, reader_with(0, 3'000'000)), 100);
}

TEST(Reader, GainFollowsAndForgetsASpike) {
  const std::vector<std::int64_t> t = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  std::vector<std::int64_t> out(t.size());
  const auto kept = [&](std::vector<std::int32_t> amplitude, std::int32_t floor = 100) {
    out.assign(t.size(), -1);
    out.resize(follow_gain(t, amplitude, floor, out));
    return out;
  };
  EXPECT_EQ(kept({400, 400, 90, 400}), (std::vector<std::int64_t>{0, 1, 3}));                // below the floor
  EXPECT_EQ(kept({1000, 240, 1000, 260, 65}, 10), (std::vector<std::int64_t>{0, 2, 3, 4}));  // a quarter of the last
  const auto after_spike = kept({400, 9000, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400});
  EXPECT_EQ(after_spike.front(), 0);
  EXPECT_EQ(after_spike.back(), 11);
  EXPECT_LT(after_spike.size(), t.size());
  EXPECT_EQ(follow_gain({}, {}, 1, {}), 0u);
}

TEST(Reader, APeerWithoutAmplitudesIsTakenAtNominal) {
  HeadSignal signal = seen(card(), 500);
  for (auto& track : signal) track.amplitude_per_mille.clear();
  const auto result = Reader().read(2, signal, false);
  ASSERT_TRUE(std::holds_alternative<TrackText>(result));
  EXPECT_EQ(std::get<TrackError>(Reader().read(3, signal, false)).fault, TrackFault::no_transitions);
}

TEST(Reader, TwoTracksThatNameDifferentCardsAreNoCard) {
  const HeadSignal signal = seen(card(), 500);
  const auto track2 = std::get<Track2>(parse_track2(kTrack2));
  EXPECT_FALSE(tracks_disagree(Reader().read(1, signal, false), track2));
  Card two = card();
  two.track1 = "%B6212345678901232^TEST/CARD^30125010000000000?";
  EXPECT_TRUE(tracks_disagree(Reader().read(1, seen(two, 500), false), track2));
  EXPECT_FALSE(tracks_disagree(TrackError{}, track2));
}

TEST(Reader, EveryPassHasItsOwnJitterAndOnePlaceOneSignal) {
  EXPECT_EQ(seen(card(), 500, 3)[0].amplitude_per_mille, seen(card(), 500, 3)[0].amplitude_per_mille);
  EXPECT_NE(seen(card(), 500, 3)[0].t_ns, seen(card(), 500, 4)[0].t_ns);
}

}  // namespace
}  // namespace swiperig
