// What the robot can do with a card beyond an ordinary swipe, exactly, and what it refuses before anything moves.
#include "drivers/swipe_path.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fixtures/reader.hpp"
#include "fixtures/robot.hpp"
#include "tests/console.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

const std::string kTrack2 = ";6212345678901265=30125010000000000?";

GrblSettings settable() {
  GrblSettings s = taught();
  s.acceleration_settable = true;
  s.lies["B"] = {"back", 0};
  s.lies["C"] = {"front", 3000};
  return s;
}

Swipe with(std::int64_t speed, auto change) {
  Swipe s = a_swipe(speed);
  change(s);
  return s;
}

std::string refused(const Swipe& s, const GrblSettings& settings = settable()) {
  return refusal(settings, s).value_or("");
}

TEST(SwipePath, WhatCannotBeDoneExactlyIsRefused) {
  const auto partial = [](std::int64_t from, std::int64_t to) {
    return with(500, [=](Swipe& s) { s.from_mm = from, s.to_mm = to; });
  };
  const auto stop = [](std::int64_t at, std::int64_t speed) {
    return with(speed, [=](Swipe& s) { s.stop_mm = at, s.stop_lasts = 300ms; });
  };
  const auto ramp = [](std::int64_t speed, std::int64_t a) {
    return with(speed, [=](Swipe& s) { s.acceleration_mm_s2 = a; });
  };
  const auto lying = [](std::string slot, std::string face, std::int64_t tilt_mdeg) {
    return with(500, [=](Swipe& s) { s.card = slot, s.face = face, s.tilt_mdeg = tilt_mdeg; });
  };
  EXPECT_EQ(refused(partial(0, 40)), "");
  EXPECT_EQ(refused(partial(30, 0)), "");
  EXPECT_EQ(refused(partial(20, 60)), "");
  EXPECT_TRUE(says(refused(partial(60, 40)), "from somewhere to further on"));
  EXPECT_TRUE(says(refused(partial(0, 90)), "within its length"));
  EXPECT_TRUE(says(refused(partial(40, 45)), "500 mm/s is not reached within 5.000 mm"));
  EXPECT_EQ(refused(stop(40, 500)), "");
  EXPECT_TRUE(says(refused(with(500, [](Swipe& s) { s.from_mm = 30, s.stop_mm = 20, s.stop_lasts = 1s; })),
                   "the place of the stop"));
  EXPECT_EQ(refused(ramp(100, 10'000)), "");
  EXPECT_TRUE(says(refused(ramp(100, 16'000)), "more than its 15000"));
  EXPECT_TRUE(says(refused(ramp(2400, 5000)), "the card would leave the head at 2572 mm/s"));
  EXPECT_TRUE(says(refused(ramp(1000, 500)), "does not fit on the swipe line"));
  EXPECT_TRUE(says(refused(ramp(100, 5000), taught()), "may not be set (acceleration_settable)"));
  EXPECT_TRUE(
      says(refused(with(100, [](Swipe& s) { s.acceleration_mm_s2 = 5000, s.to_mm = 40; })), "cannot also stop"));
  EXPECT_EQ(refused(lying("B", "back", 0)), "");
  EXPECT_EQ(refused(lying("C", "front", 3000)), "");
  EXPECT_EQ(refused(lying("A", "back", 0)), "this robot cannot turn a card: the one in slot 'A' lies front, not back");
  EXPECT_TRUE(says(refused(lying("B", "front", 0)), "lies back, not front"));
  EXPECT_TRUE(says(refused(lying("A", "front", 2000)), "cannot tilt a card: the one in slot 'A' lies at 0 mdeg"));
}

/// A robot with a card in slot A, swiped by the driver.
struct Desk {
  explicit Desk(GrblSettings settings = settable()) : Desk(make_pipe(clock), std::move(settings)) {}
  MotionDone swipe(Swipe s) {
    MotionDone done;
    run_with(
        clock, {[&] { return robot.run(); }, [&] { return driver.serve(); }},
        [&]() -> Task<> {
          co_await driver.start();
          done = co_await driver.perform(s);
        },
        [&] {
          robot.stop();
          driver.close();
        });
    return done;
  }
  std::string read() const {
    if (terminal.heads.empty()) return "nothing";
    const auto result = Reader().read(2, terminal.heads.back().second, false);
    if (const auto* text = std::get_if<TrackText>(&result)) return text->text;
    return std::string(name(std::get<TrackError>(result).fault));
  }
  VirtualClock clock;
  DrawPlace place;
  TouchedTerminal terminal{clock};
  Robot robot;
  SwiperGrbl driver;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Desk(Pipe pipe, GrblSettings settings)
      : robot(clock, std::move(pipe.first), terminal, {}, deck(), place),
        driver(clock, std::move(pipe.second), std::move(settings)) {}
  static std::map<std::string, Card> deck() {
    Card card;
    card.track2 = kTrack2;
    card.jitter_share = 0;
    return {{"A", card}};
  }
};

TEST(SwipePath, TheHeadSeesTheAccelerationThatWasAskedFor) {
  Desk desk;
  const MotionDone done = desk.swipe(with(300, [](Swipe& s) { s.acceleration_mm_s2 = 4000; }));
  EXPECT_EQ(desk.read(), kTrack2);
  EXPECT_EQ(done.manner, "accelerating by 4000 mm/s2");
  const auto& t = desk.terminal.heads.at(0).second.at(0).t_ns;
  // from the first to the last clocking zero: v0 + a t, whatever lies between
  const double bit_mm = 25.4 / 75, first_mm = 7.44 - 21 * bit_mm;
  const double span_s = static_cast<double>(t.back() - t.front()) * 1e-9;
  const auto when = [](double x_mm) { return (std::sqrt(300.0 * 300 + 2 * 4000 * x_mm) - 300) / 4000; };
  const double last_mm = first_mm + std::floor((85.6 - first_mm) / bit_mm) * bit_mm;
  EXPECT_NEAR(span_s, when(last_mm) - when(first_mm), 20e-6);
  // mean of 300 and sqrt(300^2 + 2 * 4000 * 85.6) = 880 mm/s
  EXPECT_NEAR(static_cast<double>(done.speed_mm_s), 590, 6);
}

TEST(SwipePath, TheMachineKeepsItsOwnAcceleration) {
  Desk desk;
  MotionDone done;
  run_with(
      desk.clock, {[&] { return desk.robot.run(); }, [&] { return desk.driver.serve(); }},
      [&]() -> Task<> {
        const Swipe jerk = with(60, [](Swipe& s) { s.acceleration_mm_s2 = 10'000; });
        const Swipe usual = a_swipe(1500);
        co_await desk.driver.start();
        co_await desk.driver.perform(jerk);
        EXPECT_NE(desk.read(), kTrack2);
        done = co_await desk.driver.perform(usual);
      },
      [&] {
        desk.robot.stop();
        desk.driver.close();
      });
  EXPECT_NEAR(static_cast<double>(done.speed_mm_s), 1500, 15);
}

TEST(SwipePath, APartialSwipeShowsSoMuchOfTheCard) {
  const auto seen_mm = [](const Desk& desk, double v) {
    const auto& t = desk.terminal.heads.at(0).second.at(0).t_ns;
    return static_cast<double>(t.back() - t.front()) * 1e-9 * v;
  };
  Desk first;
  first.swipe(with(300, [](Swipe& s) { s.to_mm = 40; }));
  EXPECT_NE(first.read(), kTrack2);
  EXPECT_GT(seen_mm(first, 300), 36);
  EXPECT_LT(seen_mm(first, 300), 46);
  Desk second;
  second.swipe(with(300, [](Swipe& s) { s.from_mm = 40; }));
  EXPECT_NE(second.read(), kTrack2);
  EXPECT_LT(seen_mm(second, 300), 50);
  Desk whole;
  whole.swipe(a_swipe(300));
  EXPECT_EQ(whole.read(), kTrack2);
}

TEST(SwipePath, AStopLastsAsLongAsAsked) {
  Desk shortly;
  const MotionDone done = shortly.swipe(with(300, [](Swipe& s) { s.stop_mm = 40, s.stop_lasts = 100ms; }));
  EXPECT_NEAR(static_cast<double>(done.speed_mm_s), 300, 6);
  ASSERT_EQ(shortly.terminal.heads.size(), 1u);
  const auto& t = shortly.terminal.heads[0].second.at(0).t_ns;
  std::int64_t longest = 0;
  for (std::size_t i = 1; i < t.size(); ++i) longest = std::max(longest, t[i] - t[i - 1]);
  EXPECT_NEAR(static_cast<double>(longest), 100e6, 25e6);
  EXPECT_NE(shortly.read(), kTrack2);
  Desk until_the_reader_gives_up;
  until_the_reader_gives_up.swipe(with(300, [](Swipe& s) { s.stop_mm = 40, s.stop_lasts = 400ms; }));
  EXPECT_EQ(until_the_reader_gives_up.terminal.heads.size(), 2u);
}

TEST(SwipePath, ACardThatIsNotPushedDownIsSeenFainterAndThenNotAtAll) {
  const auto lifted = [](std::int64_t mm) { return with(500, [=](Swipe& s) { s.lift_mm = mm; }); };
  const auto mean = [](const Desk& desk) {
    const auto& all = desk.terminal.heads.at(0).second.at(0).amplitude_per_mille;
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  };
  Desk straight, slightly, far;
  EXPECT_EQ(straight.swipe(lifted(0)).manner, "");
  EXPECT_EQ(slightly.swipe(lifted(1)).manner, "1 mm above the floor of the slot");
  EXPECT_EQ(straight.read(), kTrack2);
  EXPECT_EQ(slightly.read(), kTrack2) << "three quarters of the signal are enough";
  EXPECT_NEAR(mean(slightly) / mean(straight), (2.095 - 1) / 1.4, 0.02);
  far.swipe(lifted(3));
  EXPECT_TRUE(far.terminal.heads.empty()) << "plastic";
  EXPECT_EQ(refused(lifted(31)), "");
  EXPECT_EQ(refused(lifted(32)), "a swipe 32 mm above the floor of the slot is above the safe height");
}

TEST(SwipePath, TwiceIsTwoPassesWithJitterOfTheirOwn) {
  Desk desk;
  const MotionDone done = desk.swipe(with(500, [](Swipe& s) { s.twice = true; }));
  const std::string first = "twice, first at ";
  ASSERT_TRUE(done.manner.starts_with(first) && done.manner.ends_with(" mm/s")) << done.manner;
  EXPECT_NEAR(std::stod(done.manner.substr(first.size())), 500, 5) << "each pass is measured";
  EXPECT_NEAR(static_cast<double>(done.speed_mm_s), 500, 5);
  EXPECT_EQ(Desk().swipe(with(500, [](Swipe&) {})).manner, "") << "the twin: there is no other pass";
  ASSERT_EQ(desk.terminal.heads.size(), 2u);
  EXPECT_NE(desk.terminal.heads[0].second[0].amplitude_per_mille, desk.terminal.heads[1].second[0].amplitude_per_mille);
  EXPECT_EQ(desk.read(), kTrack2);
}

}  // namespace
}  // namespace swiperig
