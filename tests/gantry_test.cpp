// What the robot stand-in does to the world: keys, cards, the head; driven by raw G-code.
#include "fixtures/gantry.hpp"

#include <gtest/gtest.h>

#include "tests/robot_lab.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Lab = RobotLab;

TEST(Gantry, PressesTheKeyBelowTheFinger) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G0 X400 Y120\nG1 Z-41 F6000\nG1 Z-34");
    co_await lab.all_ok("G0 X432 Y78\nG1 Z-41 F6000\nG1 Z-39.9\nG1 Z-41\nG0 Z0\nG4 P0");
    EXPECT_EQ(lab.terminal.keys, "1 OK OK ");
    // beside any key, and not deep enough
    co_await lab.all_ok("G0 X380 Y100\nG0 Z-41\nG0 Z0\nG0 X400 Y120\nG0 Z-39\nG0 Z0\nG4 P0");
    EXPECT_EQ(lab.terminal.keys, "1 OK OK ");
  });
}

TEST(Gantry, UnlockedWithoutHomingItMissesTheKeys) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.line();
    co_await lab.console.line();
    co_await lab.console.ask("$X\n");
    co_await lab.console.line();
    co_await lab.all_ok("G0 X300 Y20\nG0 Z-31\nG4 P0");
    EXPECT_EQ(lab.terminal.keys, "");
  });
}

const std::string kGripA = "G0 Z0\nG0 X100 Y200\nG0 Z-51\nM8\nG0 Z0\n";
const std::string kToStart = "G0 X50 Y60\nG0 Z-31\nG4 P0\n";
const std::string kToEnd = "G0 X470 Y60\nG0 Z-31\nG4 P0\n";
const std::string kReturnA = "G0 Z0\nG0 X100 Y200\nG0 Z-51\nM9\nG0 Z0\nG4 P0\n";

TEST(Gantry, SwipesTheCardThroughTheHead) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok(kGripA + kToStart + "G1 X470 F30000\n" + kReturnA);
    EXPECT_EQ(lab.terminal.heads.size(), 1u);
    EXPECT_EQ(lab.last_read(), kTrack2);
    // the last transition is 85.6 mm after the first, at 500 mm/s
    const auto& [at, signal] = lab.terminal.heads[0];
    EXPECT_NEAR(static_cast<double>(signal[0].t_ns.back()), 171e6, 2e6);

    co_await lab.all_ok(kGripA + kToEnd + "G1 X50 F30000\n" + kReturnA);
    EXPECT_NE(lab.last_read(false), kTrack2);
    EXPECT_EQ(lab.last_read(true), kTrack2);

    co_await lab.all_ok(kGripA + kToStart + "G1 X470 F120000\n" + kReturnA);
    EXPECT_EQ(lab.terminal.heads.size(), 3u);
    EXPECT_NE(lab.last_read(true), kTrack2);

    co_await lab.all_ok(kGripA + kToStart + "G1 X470 F2400\n" + kReturnA);
    EXPECT_EQ(lab.last_read(true), "no_transitions");  // 40 mm/s: below the noise
  });
}

TEST(Gantry, HeadIsToldWhenTheLastTransitionPasses) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok(kGripA + kToStart);
    const Time start = lab.clock.now();
    co_await lab.all_ok("G1 X470 F30000");
    co_await lab.clock.sleep_for(seconds(2));
    EXPECT_EQ(lab.terminal.heads.size(), 1u);
    if (lab.terminal.heads.empty()) co_return;
    // the trailing edge is there when the tool is 42.8 mm behind the head: 252.8 mm, 8.33 mm of them run-up
    const double way = 260 + kCardLengthMm / 2 - 50;
    const double wanted = way / 500 + 500.0 / 15000 / 2;
    const double at = std::chrono::duration<double>(lab.terminal.heads[0].first - start).count();
    EXPECT_NEAR(at, wanted, 0.003);
  });
}

TEST(Gantry, AnEmptySlotGivesNoCard) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G0 X100 Y215\nG0 Z-51\nM8\nG0 Z0\n" + kToStart + "G1 X470 F30000\nG0 Z0");
    EXPECT_TRUE(lab.terminal.heads.empty());
    co_await lab.all_ok(kGripA + kToStart + "G1 X470 F30000\n" + kReturnA);
    EXPECT_EQ(lab.terminal.heads.size(), 1u);
  });
}

TEST(Gantry, AReleasedCardElsewhereIsLost) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G0 X100 Y200\nG0 Z-51\nM8\nG0 Z0\nG0 X50 Y60\nM9");
    co_await lab.all_ok(kGripA + kToStart + "G1 X470 F30000\n" + kReturnA);
    EXPECT_TRUE(lab.terminal.heads.empty());
  });
}

TEST(Gantry, AResetOpensTheJaws) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok(kGripA + kToStart);
    co_await lab.console.ask("\x18");
    co_await lab.all_ok("G1 X470 F30000\nG4 P0");
    EXPECT_TRUE(lab.terminal.heads.empty());
    co_await lab.all_ok(kReturnA + kGripA + kToStart + "G1 X470 F30000\nG4 P0");
    EXPECT_TRUE(lab.terminal.heads.empty());
  });
}

TEST(Gantry, AHoldInTheSwipeMakesABadSwipe) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok(kGripA + kToStart);
    co_await lab.all_ok("G1 X470 F30000");
    co_await lab.clock.sleep_for(milliseconds(430));  // about 206 mm: the head is at the middle of the card
    co_await lab.console.send("!");
    co_await lab.clock.sleep_for(seconds(1));
    EXPECT_EQ(lab.terminal.heads.size(), 1u);  // the reader gave up
    EXPECT_NE(lab.last_read(true), kTrack2);
    EXPECT_NE(lab.last_read(true), "nothing");
    co_await lab.console.send("~");
    co_await lab.clock.sleep_for(seconds(1));
    EXPECT_NE(lab.last_read(true), kTrack2);
  });
}

TEST(Gantry, RefusesADeckThatCannotBe) {
  VirtualClock clock;
  TouchedTerminal terminal(clock);
  DrawPlace place;
  EXPECT_THROW(Robot(clock, make_pipe(clock).first, terminal, {}, {{"nowhere", Card{}}}, place), std::invalid_argument);
  Card bad;
  bad.track2 = ";abc?";
  EXPECT_THROW(Robot(clock, make_pipe(clock).first, terminal, {}, {{"A", bad}}, place), std::invalid_argument);
  EXPECT_NO_THROW(Robot(clock, make_pipe(clock).first, terminal, {}, {{"A", Card{}}}, place));
}

}  // namespace
}  // namespace swiperig
