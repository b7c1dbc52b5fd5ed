#include "rig/f2f.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/vectors.hpp"

namespace swiperig {
namespace {

using Bits = std::vector<std::uint8_t>;
using Times = std::vector<std::int64_t>;

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }
double number(const boost::json::value& value) { return value.to_number<double>(); }

Bits bits_of(const std::string& line) {
  Bits out;
  for (const char c : line) out.push_back(c == '1' ? 1 : 0);
  return out;
}

Times swipe(int track, const std::string& line, double v0, double a, std::size_t zeros = 25) {
  Bits bits(zeros, 0);
  const Bits data = encode_track(track, line);
  bits.insert(bits.end(), data.begin(), data.end());
  bits.insert(bits.end(), zeros, 0);
  return crossing_times_ns(transitions(bits, nominal_bits_per_inch(track)), v0, a, 1000);
}

Times turned(const Times& forward) {
  Times out;
  for (auto t = forward.rbegin(); t != forward.rend(); ++t) out.push_back(forward.back() - *t);
  return out;
}

std::string outcome(const std::variant<TrackText, TrackError>& result) {
  if (const auto* read = std::get_if<TrackText>(&result)) return (read->reversed ? "<" : "") + read->text;
  return std::string(name(std::get<TrackError>(result).fault));
}

const std::string kTrack2 = ";6212345678901265=30125010000000000000?";

TEST(F2f, EveryVector) {
  const auto file = vectors_in("f2f_timing.json");
  std::size_t count = 0;
  for (const auto& v : file.at("vectors").as_array()) {
    const double v0 = number(v.at("profile").at("v0"));
    const double a = number(v.at("profile").at("a"));
    SCOPED_TRACE(text(v.at("profile").at("name")));
    const Bits bits = bits_of(text(v.at("bits")));
    const auto x_mm = transitions(bits, number(v.at("bpi")));
    const auto& expected_x = v.at("x_mm").as_array();
    const auto& expected_t = v.at("t_us").as_array();
    ASSERT_EQ(x_mm.size(), expected_x.size());
    const Times t_ns = crossing_times_ns(x_mm, v0, a);
    ASSERT_EQ(t_ns.size(), expected_t.size());
    for (std::size_t i = 0; i < x_mm.size(); ++i) {
      EXPECT_NEAR(x_mm[i], number(expected_x[i]), 0.5e-6 + 1e-12);
      const auto t = crossing_time(x_mm[i], v0, a);
      ASSERT_TRUE(t);
      EXPECT_NEAR(*t * 1e6, number(expected_t[i]), 0.5e-3 + 1e-9);
      EXPECT_NEAR(static_cast<double>(t_ns[i]), number(expected_t[i]) * 1e3, 1.001);
    }
    EXPECT_EQ(decode_f2f(t_ns), bits_of(text(v.at("decoded"))));
    ++count;
  }
  EXPECT_EQ(count, 6U);
  for (const auto& v : file.at("rates").as_array()) {
    const double bit_mm = transitions(Bits{0}, number(v.at("bpi"))).back();
    const auto t = crossing_time(bit_mm, number(v.at("speed_mm_s")), 0);
    ASSERT_TRUE(t);
    EXPECT_NEAR(*t * 1e6, number(v.at("bit_us")), 0.5e-3 + 1e-9);
    EXPECT_NEAR(1.0 / *t, number(v.at("transitions_per_s_all_zero")), 0.05 + 1e-6);
    EXPECT_NEAR(2.0 / *t, number(v.at("transitions_per_s_all_one")), 0.05 + 1e-6);
  }
}

TEST(F2f, AccelerationTheRuleFollowsAndAccelerationItDoesNot) {
  const auto file = vectors_in("f2f_timing.json");
  std::vector<std::string> read;
  for (const auto& v : file.at("max_accel_check").at("example").as_array()) {
    const double speed = number(v.at("v"));
    const double a = number(v.at("a"));
    EXPECT_NEAR(a * 25.4 / number(v.at("bpi")) / (speed * speed), number(v.at("rel")), 1e-4);
    read.push_back(outcome(read_track(2, swipe(2, kTrack2, speed, a, 5), true)));
  }
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0], kTrack2);
  EXPECT_NE(read[1], kTrack2);
}

TEST(F2f, EveryTrackVectorForwardAndReversed) {
  const auto file = vectors_in("tracks.json");
  for (const auto& v : file.at("vectors").as_array()) {
    const std::string line = text(v.at("text"));
    const int track = static_cast<int>(v.at("track").as_int64());
    SCOPED_TRACE(line);
    for (const double speed : {76.2, 500.0, 1524.0}) {
      for (const double a : {0.0, 2000.0, -20.0}) {
        const Times t_ns = swipe(track, line, speed, a);
        EXPECT_EQ(outcome(read_track(track, t_ns, false)), line);
        EXPECT_EQ(outcome(read_track(track, t_ns, true)), line);
        EXPECT_EQ(outcome(read_track(track, turned(t_ns), true)), "<" + line);
        EXPECT_EQ(outcome(read_track(track, turned(t_ns), false)).find(line), std::string::npos);
      }
    }
  }
}

// what a head sees of each negative vector, one way and the other: never a text, always the fault the file expects
TEST(F2f, EveryNegativeTrackVectorUnderTheHead) {
  const auto file = vectors_in("tracks.json");
  std::size_t count = 0;
  for (const auto& v : file.at("negative").as_array()) {
    SCOPED_TRACE(text(v.at("name")));
    const int track = static_cast<int>(v.at("track").as_int64());
    const std::string expected = text(v.at("expect"));
    Bits bits = bits_of(text(v.at("bits")));
    if (!bits.empty()) {
      // clocking zeros lead; they follow too, but where the swipe ends in the middle
      bits.insert(bits.begin(), 25, 0);
      if (expected != "no_end_sentinel") bits.insert(bits.end(), 25, 0);
    }
    for (const double speed : {100.0, 1000.0}) {
      const Times t_ns = crossing_times_ns(transitions(bits, nominal_bits_per_inch(track)), speed, 0);
      EXPECT_EQ(outcome(read_track(track, t_ns, false)), expected);
      EXPECT_TRUE(std::holds_alternative<TrackError>(read_track(track, t_ns, true)));
      EXPECT_TRUE(std::holds_alternative<TrackError>(read_track(track, turned(t_ns), true)));
    }
    ++count;
  }
  EXPECT_EQ(count, 6U);
}

TEST(F2f, CardThatStopsIsCutShort) {
  // braking from 300 mm/s at 1 m/s^2 stops after 45 mm
  const Times t_ns = swipe(2, kTrack2, 300.0, -1000.0);
  EXPECT_LT(t_ns.size(), swipe(2, kTrack2, 300.0, 0.0).size());
  EXPECT_NE(outcome(read_track(2, t_ns, false)), kTrack2);
  EXPECT_TRUE(crossing_time(44.9, 300.0, -1000.0));
  EXPECT_FALSE(crossing_time(45.1, 300.0, -1000.0));
  EXPECT_FALSE(crossing_time(1.0, 0.0, 0.0));
  EXPECT_FALSE(crossing_time(-1.0, 300.0, 0.0));
  EXPECT_FALSE(crossing_time(1.0, -1.0, 10.0));
  EXPECT_FALSE(crossing_time(1.0, std::numeric_limits<double>::quiet_NaN(), 0.0));
  EXPECT_EQ(crossing_time(0.0, 0.0, 0.0), 0.0);
  EXPECT_TRUE(crossing_times_ns(std::vector<double>{1.0}, 1e-12, 0.0).empty());
  EXPECT_TRUE(transitions({}, 75).empty());
  EXPECT_TRUE(transitions(Bits{1}, 0).empty());
  EXPECT_TRUE(transitions(Bits{1}, std::numeric_limits<double>::quiet_NaN()).empty());
}

TEST(F2f, GapsDropoutsAndExtraPeaks) {
  const Times good = swipe(2, kTrack2, 500.0, 0.0);
  ASSERT_EQ(outcome(read_track(2, good, false)), kTrack2);
  // a pause of the card ends the track
  Times paused = good;
  for (std::size_t i = 150; i < paused.size(); ++i) paused[i] += 200'000'000;
  EXPECT_EQ(outcome(read_track(2, paused, false)), "no_end_sentinel");
  // a lost transition inside a 1 makes it a 0: parity
  Times lost = good;
  const Bits data = encode_track(2, kTrack2);
  std::size_t at = 25;
  for (std::size_t bit = 0; bit < 10; ++bit) at += data[bit] != 0 ? 2U : 1U;
  while (good[at + 1] - good[at] > 500'000) ++at;
  lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  EXPECT_EQ(outcome(read_track(2, lost, false)), "parity_error");
  // an extra one makes a 0 a 1
  Times extra = good;
  while (good[at + 1] - good[at] < 500'000) ++at;
  extra.insert(extra.begin() + static_cast<std::ptrdiff_t>(at) + 1, (good[at] + good[at + 1]) / 2);
  EXPECT_EQ(outcome(read_track(2, extra, false)), "parity_error");
  // noise of the card's edge before the clocking zeros costs nothing
  Times edge = {-900'000'000, -899'990'000, -899'980'000, -899'970'000, -899'000'000, -700'000'000};
  edge.insert(edge.end(), good.begin(), good.end());
  EXPECT_EQ(outcome(read_track(2, edge, false)), kTrack2);
}

TEST(F2f, NothingToRead) {
  EXPECT_EQ(outcome(read_track(2, {}, true)), "no_transitions");
  EXPECT_EQ(outcome(read_track(2, Times{5}, true)), "no_transitions");
  EXPECT_EQ(outcome(read_track(2, Times{5, 9}, true)), "no_lock");
  EXPECT_EQ(outcome(read_track(2, Times{9, 8, 7, 6, 5}, true)), "no_lock");
  EXPECT_EQ(outcome(read_track(4, Times{1, 2, 3, 4, 5}, true)), "no_such_track");
  EXPECT_EQ(outcome(read_track(2, crossing_times_ns(transitions(Bits(200, 0), 75), 500, 0), true)),
            "no_start_sentinel");
  // under 2.26 mm/s a bit of track 2 lasts over 150 ms
  EXPECT_NE(outcome(read_track(2, swipe(2, kTrack2, 2.2, 0), true)), kTrack2);
  EXPECT_EQ(outcome(read_track(2, swipe(2, kTrack2, 2.3, 0), true)), kTrack2);
  Bits small(3);
  const Times zeros = crossing_times_ns(transitions(Bits(20, 0), 75), 500, 0);
  EXPECT_EQ(decode_f2f(zeros, small), 3U);
  EXPECT_EQ(decode_f2f(zeros).size(), 20U);
}

TEST(F2f, AnyTimesGiveATextOrAnError) {
  std::uint64_t state = 7;
  const auto next = [&state] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state >> 33);
  };
  const Times good = swipe(2, kTrack2, 500.0, 500.0);
  std::size_t read = 0;
  std::size_t refused = 0;
  Times t_ns;
  for (int round = 0; round < 200000; ++round) {
    if (round % 4 == 0) {
      t_ns.resize(next() % 120);
      std::int64_t now = 0;
      for (auto& t : t_ns) t = now += 200'000 + next() % 700'000;
      if (round % 8 == 0) {
        for (auto& t : t_ns) t = static_cast<std::int64_t>(std::uint64_t{next()} << 33 ^ next());
      }
    } else {
      t_ns = good;
      for (std::uint32_t n = next() % 3; n > 0; --n) {
        const auto at = static_cast<std::ptrdiff_t>(next() % t_ns.size());
        if (next() % 2 == 0)
          t_ns.erase(t_ns.begin() + at);
        else
          t_ns[static_cast<std::size_t>(at)] += static_cast<std::int64_t>(next() % 400'000) - 200'000;
      }
      if (next() % 16 == 0) t_ns[next() % t_ns.size()] = std::numeric_limits<std::int64_t>::min();
      if (next() % 16 == 0) t_ns[next() % t_ns.size()] = std::numeric_limits<std::int64_t>::max();
    }
    const auto result = read_track(1 + round % 3, t_ns, round % 5 != 0);
    (std::holds_alternative<TrackText>(result) ? read : refused) += 1;
    ASSERT_LE(decode_f2f(t_ns).size(), t_ns.size());
  }
  EXPECT_GT(read, 1000U);
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace swiperig
