// How a guardian makes a robot and a supply safe, against the stand-ins in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/safe_grbl.hpp"
#include "drivers/safe_scpi.hpp"
#include "drivers/swiper_grbl.hpp"
#include "tests/robot_lab.hpp"
#include "tests/supply_lab.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

/// What the guardian does with it; how long it took is told as well.
Task<SafeState::Step> make_safe(Clock& clock, Console& console, SafeState& safe, Duration& took) {
  const Time began = clock.now();
  safe.begin(false);
  for (;;) {
    const double now_s = seconds(clock.now().time_since_epoch());
    const SafeState::Step step = safe.step(now_s);
    if (!step.say.empty()) co_await console.send(std::string(step.say));
    took = clock.now() - began;
    if (step.done) co_return step;
    const auto left = Duration(static_cast<std::int64_t>(std::max(0.0, step.again_s - now_s) * 1e9) + 1);
    const std::string line = co_await console.line(left);
    if (line != "(silence)" && line != "(closed)") safe.heard(line + "\n");
  }
}

/// Says it as a controller would, through the guardian.
Task<> pass(Console& console, SafeState& safe, std::string text) {
  safe.passed(text);
  co_await console.send(text);
}

class SafeGrblTest : public testing::Test {
 protected:
  /// Homes through the guardian.
  Task<> home() {
    for (int greeting = 0; greeting < 2; ++greeting) {
      const std::string line = co_await lab.console.line();
      safe.heard(line + "\n");
    }
    co_await pass(lab.console, safe, "$H\n");
    for (std::string line; line != "ok";) {
      auto next = co_await lab.console.line();
      line = std::move(next);
      safe.heard(line + "\n");
    }
  }
  Task<> finish() {
    auto end = co_await make_safe(lab.clock, lab.console, safe, took);
    proved = end.proved;
    auto now = co_await lab.console.ask("?");
    for (int more = 0; more < 20 && !now.starts_with("<"); ++more) {
      auto next = co_await lab.console.line(1s);
      now = std::move(next);
    }
    state = now;
  }
  RobotLab lab;
  SafeGrbl safe{GrblSettings{}};
  Duration took{};
  bool proved = false;
  std::string state;
};

TEST_F(SafeGrblTest, F17F20AMotionIsHeldAndDroppedAndThePlaceIsKept) {
  std::string before;
  lab.run([&]() -> Task<> {
    co_await lab.console.line();
    co_await lab.console.line();
    co_await pass(lab.console, safe, "$X\nG1 X300 F30000\nG1 X10 F30000\n");
    co_await lab.clock.sleep_for(200ms);
    co_await finish();
  });
  EXPECT_TRUE(proved);
  EXPECT_THAT(state, AllOf(StartsWith("<Idle|MPos:"), Not(HasSubstr("MPos:0.000")))) << "not Alarm: no step was lost";
  EXPECT_THAT(state, Not(HasSubstr("MPos:20.000,280.000"))) << "it was never homed, so it is not parked";
  EXPECT_LT(took, 500ms);
}

TEST_F(SafeGrblTest, ParksWhereThePlaceIsKnown) {
  lab.run([&]() -> Task<> {
    co_await home();
    co_await pass(lab.console, safe, "G1 X300 Y100 Z-30 F30000\n");
    co_await lab.clock.sleep_for(200ms);
    co_await finish();
  });
  EXPECT_TRUE(proved);
  EXPECT_THAT(state, StartsWith("<Idle|MPos:20.000,280.000,0.000"));
}

TEST(SafeGrbl, ATaughtRobotIsHeldAndResetAndStaysWhereItStands) {
  for (const AfterReset after : {AfterReset::stays, AfterReset::parks}) {
    RobotLab lab;
    SafeGrbl safe(GrblSettings{}, after);
    Duration took{};
    std::string state;
    SafeState::Step end;
    lab.run([&]() -> Task<> {
      co_await lab.homed();
      safe.passed("$H\n");
      safe.heard("ok\n");
      co_await pass(lab.console, safe, "$J=G53 G90 G21 X300 Y0 Z0 F6000\n");
      co_await lab.clock.sleep_for(1s);
      auto ended = co_await make_safe(lab.clock, lab.console, safe, took);
      end = ended;
      auto now = co_await lab.console.ask("?");
      for (int more = 0; more < 20 && !now.starts_with("<"); ++more) now = co_await lab.console.line(1s);
      state = now;
    });
    EXPECT_TRUE(end.proved);
    if (after == AfterReset::parks) {
      EXPECT_THAT(state, StartsWith("<Idle|MPos:20.000,280.000,0.000")) << "the twin";
    } else {
      EXPECT_THAT(state, AllOf(StartsWith("<Idle|MPos:1"), HasSubstr(",0.000,0.000|"))) << "after a second of 100 mm/s";
      EXPECT_LT(took, 500ms);
    }
  }
}

TEST_F(SafeGrblTest, F13F15AfterAnAlarmOrABannerItIsNotParked) {
  for (const char* said : {"ALARM:1\n", "Grbl 1.1h ['$' for help]\n"}) {
    RobotLab own;
    SafeGrbl known{GrblSettings{}};
    Duration unused{};
    own.run([&]() -> Task<> {
      co_await own.homed();
      known.passed("$H\n");
      known.heard("ok\n");
      known.heard(said);
      co_await make_safe(own.clock, own.console, known, unused);
      auto now = co_await own.console.ask("?");
      EXPECT_THAT(now, Not(HasSubstr("MPos:20.000,280.000"))) << said;
    });
  }
}

TEST_F(SafeGrblTest, TheOkOfAnEarlierLineIsNotThatOfHoming) {
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    safe.passed("G4 P0.1\n$H\n");
    safe.heard("ok\n");  // of the dwell alone
    co_await finish();
  });
  EXPECT_THAT(state, Not(HasSubstr("MPos:20.000,280.000")));
}

TEST_F(SafeGrblTest, F18F19InTheMiddleOfHomingItSaysNothingAndIsResetAllTheSame) {
  lab.run([&]() -> Task<> {
    co_await pass(lab.console, safe, "$H\n");
    co_await lab.clock.sleep_for(100ms);
    co_await finish();
  });
  EXPECT_TRUE(proved) << "it says Alarm, and stands";
  EXPECT_THAT(state, StartsWith("<Alarm|"));
  EXPECT_LT(took, 1s);
}

TEST_F(SafeGrblTest, F11GarbageWithoutEndIsNoAnswer) {
  std::string sent;
  safe.begin(false);
  double now_s = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto step = safe.step(now_s);
    sent += step.say;
    proved = step.proved;
    if (step.done) break;
    safe.heard(std::string(1000, static_cast<char>(i)) + (i % 7 == 0 ? "<<<|\n" : ""));
    now_s += 0.001;
  }
  EXPECT_THAT(sent, AllOf(StartsWith("!?"), HasSubstr("\x18")));
  EXPECT_FALSE(proved);
  EXPECT_LT(now_s, 6) << "it ends";
}

class SafeScpiTest : public testing::Test {
 protected:
  Task<> on() {
    auto says = co_await lab.console.ask("VOLT 5\nOUTP ON\nOUTP?\n");
    EXPECT_EQ(says, "1");
  }
  SupplyLab lab;
  Duration took{};
  std::string output, volts;
};

TEST_F(SafeScpiTest, F21ItIsOffAndSaysSo) {
  SafeScpi safe(SafeOutput::off);
  lab.run([&]() -> Task<> {
    co_await on();
    auto end = co_await make_safe(lab.clock, lab.console, safe, took);
    EXPECT_TRUE(end.proved);
    output = co_await lab.console.ask("OUTP?\n");
  });
  EXPECT_EQ(output, "0");
}

TEST_F(SafeScpiTest, OnAndLeaveAreWhatTheBenchFileMayWant) {
  SafeScpi leave(SafeOutput::leave), keep(SafeOutput::on);
  lab.run([&]() -> Task<> {
    auto left = co_await make_safe(lab.clock, lab.console, leave, took);
    EXPECT_TRUE(left.done);
    output = co_await lab.console.ask("OUTP?\n");
    EXPECT_EQ(output, "0") << "as it was";
    auto kept = co_await make_safe(lab.clock, lab.console, keep, took);
    EXPECT_TRUE(kept.proved);
    output = co_await lab.console.ask("OUTP?\n");
  });
  EXPECT_EQ(output, "1");
}

TEST(SafeScpi, OnIsOnAtTheBenchsVoltageWhateverABrownOutHadLeft) {
  const auto left_at = [](std::int64_t voltage_mv) {
    SupplyLab lab;
    SafeScpi keep(SafeOutput::on, voltage_mv);
    Duration took{};
    std::string volts;
    lab.run([&]() -> Task<> {
      auto says = co_await lab.console.ask("VOLT 3.1\nOUTP ON\nOUTP?\n");
      EXPECT_EQ(says, "1");
      auto kept = co_await make_safe(lab.clock, lab.console, keep, took);
      EXPECT_TRUE(kept.proved);
      volts = co_await lab.console.ask("VOLT?\n");
    });
    return volts;
  };
  EXPECT_EQ(left_at(5000), "5.000");
  EXPECT_EQ(left_at(0), "3.100") << "the twin";
}

TEST(SafeScpi, AnAnswerToAQuestionOfBeforeProvesNothing) {
  const auto done_after = [](const char* before, int answers, const char* end = "\n") {
    SafeScpi safe(SafeOutput::off);
    safe.passed(before);
    safe.begin(false);
    (void)safe.step(0);
    for (int i = 0; i < answers; ++i) safe.heard(std::string("0") + end);
    const auto step = safe.step(0.1);
    return step.done && step.proved;
  };
  EXPECT_FALSE(done_after("OUTP?\n", 1));
  EXPECT_TRUE(done_after("OUTP?\n", 2));
  EXPECT_FALSE(done_after("OUTP?\r\nVOLT?\r\n", 2, "\r\n")) << "an end of two characters is one end";
  EXPECT_TRUE(done_after("OUTP?\r\nVOLT?\r\n", 3, "\r\n"));
  EXPECT_TRUE(done_after("OUTP ON\n", 1)) << "the twin";
  SafeScpi safe(SafeOutput::off);  // one that was never answered keeps nothing from being proved
  safe.passed("MEAS:VOLT?\n");
  safe.begin(false);
  (void)safe.step(0);
  (void)safe.step(2);
  safe.heard("0\n");
  EXPECT_TRUE(safe.step(2.1).proved);
}

TEST_F(SafeScpiTest, HalfACommandIsNotCarriedOut) {
  SafeScpi safe(SafeOutput::off);
  lab.run([&]() -> Task<> {
    co_await on();
    co_await pass(lab.console, safe, "VOLT 1");  // of 12
    co_await make_safe(lab.clock, lab.console, safe, took);
    volts = co_await lab.console.ask("VOLT?\n");
  });
  EXPECT_EQ(volts, "5.000");
}

TEST_F(SafeScpiTest, TheTwinInWhichItIs) {
  SafeScpi safe(SafeOutput::off);
  lab.run([&]() -> Task<> {
    co_await on();
    co_await lab.console.send("VOLT 1\n");  // what ending the line would make of it
    co_await make_safe(lab.clock, lab.console, safe, took);
    volts = co_await lab.console.ask("VOLT?\n");
  });
  EXPECT_EQ(volts, "1.000");
}

TEST_F(SafeScpiTest, F21F22OneThatStaysOnOrSaysNothingIsToldAsNotProvedAfterThreeTries) {
  for (const char* says : {"1\n", ""}) {
    SafeScpi safe(SafeOutput::off);
    std::string sent;
    bool proved = true;
    safe.begin(false);
    double now_s = 0;
    for (int i = 0; i < 100'000; ++i, now_s += 0.001) {
      const auto step = safe.step(now_s);
      sent += step.say;
      proved = step.proved;
      if (step.done) break;
      if (!step.say.empty()) safe.heard(says);
    }
    EXPECT_FALSE(proved);
    EXPECT_EQ(sent, "OUTP OFF\nOUTP?\n#\nOUTP OFF\nOUTP?\n#\nOUTP OFF\nOUTP?\n");
    EXPECT_LT(now_s, 4);
  }
}

}  // namespace
}  // namespace swiperig
