// Where the tool goes: the driver sends exactly the way that was looked at beforehand, and no way that is not refused
// leaves the travel or comes into another terminal's region, as somebody finds who walks along it in small steps.
#include "drivers/robot_way.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rig/random.hpp"
#include "tests/console.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

/// Two terminals side by side: keys, chip slot and field of the left one, the other's region to the right.
GrblSettings shared() {
  GrblSettings s = taught();
  s.chip_slot = GrblChipSlot{{300, 30}, -25, 45};
  s.field = GrblField{{370, 180}, -30};
  s.regions["left"] = {240, 0, 445, 190, -10};
  s.regions["right"] = {460, 0, 520, 300, -20};
  s.region = "left";
  s.swipe_end_x_mm = 410;  // the card sticks out by half its length
  s.swipe_start_x_mm = 110;
  return s;
}

Dip a_dip(Duration dwell = 1s) { return {"A", dwell}; }
CardTap a_tap(Duration hold = 500ms) { return {"A", hold}; }

/// Whether the walk along these legs leaves the travel or enters a region that is not its own.
bool trespasses(const GrblSettings& s, const std::vector<Leg>& legs) {
  for (std::size_t i = 0; i < legs.size(); ++i) {
    const Leg& to = legs[i];
    const Leg& from = i == 0 ? to : legs[i - 1];
    const double way = std::hypot(to.x_mm - from.x_mm, to.y_mm - from.y_mm, to.z_mm - from.z_mm);
    const int steps = 1 + static_cast<int>(way / 0.5);
    for (int n = 0; n <= steps; ++n) {
      const double share = static_cast<double>(n) / steps;
      const double x = from.x_mm + (to.x_mm - from.x_mm) * share, y = from.y_mm + (to.y_mm - from.y_mm) * share;
      const double z = from.z_mm + (to.z_mm - from.z_mm) * share;
      if (x < 0 || x > s.travel_x_mm || y < 0 || y > s.travel_y_mm || z > 0 || z < -s.travel_z_mm) return true;
      const double card = to.holding ? s.card_length_mm / 2 : 0;
      for (const auto& [name, r] : s.regions) {
        const bool over = x + card > r.from_x_mm + 0.01 && x - card < r.to_x_mm - 0.01 && y > r.from_y_mm + 0.01 &&
                          y < r.to_y_mm - 0.01;
        if (name != s.region && over && z < r.top_z_mm - 0.01) return true;
      }
    }
  }
  return false;
}

std::vector<Motion> motions(const GrblSettings& s) {
  std::vector<Motion> all = {Motion(a_swipe(300)), Motion(a_press("1 5 OK")), Motion(Park{}), Motion(a_dip()),
                             Motion(a_tap())};
  Swipe twice = a_swipe(300, true);
  twice.twice = true;
  all.emplace_back(twice);
  EXPECT_TRUE(s.slots.contains("A"));
  return all;
}

TEST(RobotWay, EveryMotionOfATerminalThatSharesTheRobotCanBeDone) {
  for (const Motion& motion : motions(shared())) {
    EXPECT_EQ(refusal(shared(), motion).value_or(""), "") << motion.index();
    EXPECT_FALSE(trespasses(shared(), way_of(shared(), motion))) << motion.index();
  }
}

TEST(RobotWay, WhatWouldEnterAnothersRegionIsRefused) {
  const auto why = [](const GrblSettings& s, const Motion& motion) { return refusal(s, motion).value_or(""); };
  GrblSettings s = shared();
  s.keys["OK"] = {470, 78};
  EXPECT_TRUE(says(why(s, a_press("1 OK")), "enters the region of 'right' below its top at -20.0"));
  EXPECT_EQ(why(s, a_press("1 2")), "") << "only what goes there";
  s = shared();
  s.slots["A"] = {490, 200};
  EXPECT_TRUE(says(why(s, a_swipe()), "enters the region of 'right'"));
  EXPECT_TRUE(says(why(s, a_dip()), "enters the region of 'right'"));
  s = shared();
  s.swipe_end_x_mm = 430;  // the tool stays out, the end of its card does not
  EXPECT_TRUE(says(why(s, a_swipe()), "enters the region of 'right'"));
  s.regions["right"].top_z_mm = -40;  // a low one: the card passes above it
  EXPECT_EQ(why(s, a_swipe()), "");
  s = shared();
  s.regions["right"].top_z_mm = -1;
  s.clear_z_mm = -5;
  EXPECT_TRUE(says(why(s, Park{}), "the safe height of -5.0 is below the top of region 'right' at -1.0"));
  s.region = "right";
  s.regions["left"].top_z_mm = -30;
  EXPECT_EQ(why(s, Park{}), "") << "over its own terminal it may be lower";
}

TEST(RobotWay, NoWayThatIsNotRefusedTrespasses) {
  Draws draws(23, 0, 0, 1);
  const auto between = [&](double low, double high) { return low + draws.uniform() * (high - low); };
  int allowed = 0, refused = 0;
  for (int i = 0; i < 4000; ++i) {
    GrblSettings s = shared();
    for (const char* name : {"right", "third"}) {
      GrblRegion r;
      r.from_x_mm = between(0, 450), r.from_y_mm = between(0, 250);
      r.to_x_mm = r.from_x_mm + between(5, 120), r.to_y_mm = r.from_y_mm + between(5, 120);
      r.top_z_mm = between(-60, 5);
      s.regions[name] = r;
    }
    const double x = between(-20, 540), y = between(-20, 320), u = between(-20, 540), v = between(-20, 320);
    s.slots["A"] = {x, y};
    s.keys["1"] = {u, v};
    const double h = between(-70, 0);
    s.hover_z_mm = std::max(h, s.press_z_mm);
    for (const Motion& motion : motions(s)) {
      if (refusal(s, motion)) {
        ++refused;
        continue;
      }
      ++allowed;
      ASSERT_FALSE(trespasses(s, way_of(s, motion))) << i << " " << motion.index();
    }
  }
  EXPECT_GT(allowed, 3000);
  EXPECT_GT(refused, 3000);
}

TEST(RobotWay, DipsAndTapsThatCannotBeAreRefused) {
  const auto why = [](const GrblSettings& s, const Motion& motion) { return refusal(s, motion).value_or(""); };
  GrblSettings bare = shared();
  bare.chip_slot.reset();
  bare.field.reset();
  EXPECT_EQ(why(bare, a_dip()), "no chip_slot of the terminal is taught");
  EXPECT_EQ(why(bare, a_tap()), "no field of the terminal is taught");
  Dip deep = a_dip();
  deep.depth_mm = 46;
  EXPECT_EQ(why(shared(), deep), "46 mm is deeper than the chip slot's 45.0");
  deep.depth_mm = 45;
  EXPECT_EQ(why(shared(), deep), "");
  Dip fast = a_dip();
  fast.speed_mm_s = 2501;
  EXPECT_TRUE(says(why(shared(), fast), "speed 2501 mm/s is not within"));
  EXPECT_TRUE(says(why(shared(), a_dip(19ms)), "a dip for 19 ms is not within 20 ms to 60 s"));
  EXPECT_TRUE(says(why(shared(), a_tap(61s)), "a tap for 61 s is not within"));
  CardTap high = a_tap();
  high.height_mm = 31;
  EXPECT_EQ(why(shared(), high), "a tap 31 mm above the field is above the safe height");
  EXPECT_TRUE(says(why(shared(), Dip{"Z", 1s}), "no card slot 'Z' is taught"));
}

/// A controller that writes down where it was sent.
struct Listed {
  Listed() : Listed(make_pipe(clock)) {}
  Task<> obey() {
    co_await console.send("\r\nGrbl 1.1h ['$' for help]\r\n");
    for (;;) {
      auto line = co_await console.line(std::chrono::hours(1));
      if (line == "(closed)" || line == "(silence)") co_return;
      std::string said = "ok";
      if (line == "?") {
        said = "<Idle|MPos:" + std::to_string(at.x_mm) + "," + std::to_string(at.y_mm) + "," + std::to_string(at.z_mm) +
               "|FS:0,0>";
      }
      if (line == "$$") {
        said =
            "$13=0\r\n$20=1\r\n$22=1\r\n$110=150000\r\n$111=150000\r\n$112=30000\r\n$120=15000\r\n$121=15000\r\n$122="
            "5000\r\n$130=520\r\n"
            "$131=300\r\n$132=60\r\nok";
      }
      if (line.starts_with("G53 G1")) go(line);
      if (line.starts_with("G4")) {
        co_await clock.sleep_for(Duration(std::llround((busy_s + std::stod(line.substr(4))) * 1e9)));
        busy_s = 0;
      }
      if (console.closed()) co_return;
      co_await console.send(said + "\r\n");
    }
  }
  void go(const std::string& line) {
    const ToolPlace from = at;
    const auto take = [&](char letter, double& into) {
      const std::size_t found = line.find(letter);
      if (found != std::string::npos) into = std::stod(line.substr(found + 1));
    };
    double feed_mm_min = 0;
    take('X', at.x_mm), take('Y', at.y_mm), take('Z', at.z_mm), take('F', feed_mm_min);
    const double way = std::hypot(at.x_mm - from.x_mm, at.y_mm - from.y_mm, at.z_mm - from.z_mm);
    const double v = feed_mm_min / 60;
    busy_s += way < v * v / 15000 ? 2 * std::sqrt(way / 15000) : way / v + v / 15000;
    sent.push_back(at);
  }
  VirtualClock clock;
  SwiperGrbl driver;
  Console console;
  ToolPlace at;
  double busy_s = 0;
  std::vector<ToolPlace> sent;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  explicit Listed(Pipe pipe) : driver(clock, std::move(pipe.first), shared()), console(clock, std::move(pipe.second)) {}
};

TEST(RobotWay, TheDriverSendsTheWayThatWasLookedAt) {
  for (const Motion& motion : motions(shared())) {
    Listed listed;
    listed.console.realtime = "?!~\x18";
    run_with(
        listed.clock,
        {[&] { return listed.driver.serve(); }, [&] { return listed.console.serve(); }, [&] { return listed.obey(); }},
        [&]() -> Task<> {
          co_await listed.driver.start();
          listed.sent.clear();
          auto why = co_await failure_of(listed.driver.perform(motion));
          EXPECT_EQ(why, "") << motion.index();
        },
        [&] {
          listed.driver.close();
          listed.console.close();
        });
    std::vector<ToolPlace> expected;
    if (std::holds_alternative<Park>(motion)) expected.push_back({0, 0, 0});  // up first, wherever it is
    for (const Leg& leg : way_of(shared(), motion)) {
      const bool moves = leg.kind == Leg::travel || leg.kind == Leg::height || leg.kind == Leg::stroke;
      if (moves) expected.push_back({leg.x_mm, leg.y_mm, leg.z_mm});
    }
    ASSERT_EQ(listed.sent.size(), expected.size()) << motion.index();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(listed.sent[i].x_mm, expected[i].x_mm, 0.001) << motion.index() << " " << i;
      EXPECT_NEAR(listed.sent[i].y_mm, expected[i].y_mm, 0.001) << motion.index() << " " << i;
      EXPECT_NEAR(listed.sent[i].z_mm, expected[i].z_mm, 0.001) << motion.index() << " " << i;
    }
  }
}

}  // namespace
}  // namespace swiperig
