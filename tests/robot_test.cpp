// The GRBL stand-in, spoken to in raw lines as DOMAIN.md 4.1 tells the real one's language; our driver is not here.
#include "fixtures/robot.hpp"

#include <gtest/gtest.h>

#include "rig/random.hpp"
#include "tests/robot_lab.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Lab = RobotLab;

TEST(Robot, IsLockedUntilHomedOrUnlocked) {
  Lab lab;
  lab.run([&]() -> Task<> {
    auto line = co_await lab.console.line();
    EXPECT_EQ(line, "Grbl 1.1h ['$' for help]");
    line = co_await lab.console.line();
    EXPECT_EQ(line, "[MSG:'$H'|'$X' to unlock]");
    line = co_await lab.console.ask("G0 X10\n");
    EXPECT_EQ(line, "error:9");
    line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Alarm|MPos:0.000,0.000,0.000|")) << line;
    line = co_await lab.console.ask("$X\n");
    EXPECT_EQ(line, "[MSG:Caution: Unlocked]");
    line = co_await lab.console.line();
    EXPECT_EQ(line, "ok");
    line = co_await lab.console.ask("G0 X10\n");
    EXPECT_EQ(line, "ok");
  });
}

TEST(Robot, AnswersEveryLineOnceAsTheDocumentSays) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "ok"},
      {"(a comment)", "ok"},
      {"g0 x1 ; a comment", "ok"},
      {"G90 G21 G94 G54 G17", "ok"},
      {"G1 X1 F600", "ok"},
      {"F100", "ok"},
      {"M3 S100", "ok"},
      {"M5 M9", "ok"},
      {"X", "error:2"},
      {"*", "error:1"},
      {"G1 X1e3 F100", "error:20"},
      {"G2 X1 Y1", "error:20"},
      {"T1", "ok"},
      {"T256", "error:38"},
      {"M6", "error:20"},
      {"G0 G1 X1", "error:24"},
      {"G90 G91", "error:21"},
      {"G0 X1 X2", "error:25"},
      {"G4", "error:28"},
      {"G4 P0", "ok"},
      {"G4 P-1", "error:4"},
      {"$Q", "error:2"},
      {"$110=-1", "error:4"},
      {"$110=0", "error:3"},
      {"$110=9000", "ok"},
      {"$999=1", "error:3"},
      {std::string(81, 'X'), "error:11"},
      {"G0 X" + std::string(70, '0') + "1", "ok"},
      {std::string(100, ' ') + "G0 X1", "ok"},
  };
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    for (const auto& [sent, wanted] : table) {
      auto answer = co_await lab.console.ask(sent + "\n");
      EXPECT_EQ(answer, wanted) << sent;
      // $ lines want an idle machine
      co_await lab.console.ask("G4 P0\n");
    }
    auto rest = co_await lab.console.line(seconds(1));
    EXPECT_EQ(rest, "(silence)");
  });
}

TEST(Robot, WantsAFeedRate) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    auto answer = co_await lab.console.ask("G1 X5\n");
    EXPECT_EQ(answer, "error:22");
    answer = co_await lab.console.ask("G1 X5 F600\n");
    EXPECT_EQ(answer, "ok");
    answer = co_await lab.console.ask("X6\n");
    EXPECT_EQ(answer, "ok");
  });
}

TEST(Robot, OkMeansAcceptedAndDwellMeansDone) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    const Time start = lab.clock.now();
    // 400 mm at 500 mm/s and 15 m/s2: 0.8 s + 1/30 s
    co_await lab.all_ok("G1 X400 F30000");
    EXPECT_LT(lab.clock.now() - start, milliseconds(5));
    auto status = co_await lab.console.ask("?");
    EXPECT_TRUE(status.starts_with("<Run|")) << status;
    co_await lab.all_ok("G4 P0.01");
    const double taken = std::chrono::duration<double>(lab.clock.now() - start).count();
    EXPECT_NEAR(taken, 0.8 + 500.0 / 15000 + 0.01, 0.01);
    status = co_await lab.console.ask("?");
    EXPECT_TRUE(status.starts_with("<Idle|MPos:400.000,0.000,0.000|")) << status;
  });
}

TEST(Robot, ItsOwnLimitsBoundTheSpeed) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("$110=6000");  // 100 mm/s
    const Time start = lab.clock.now();
    co_await lab.all_ok("G1 X200 F30000\nG4 P0");
    EXPECT_GT(lab.clock.now() - start, seconds(2));
    co_await lab.all_ok("$110=60000\n$120=100");
    const Time second = lab.clock.now();
    co_await lab.all_ok("G0 X100\nG4 P0");
    EXPECT_NEAR(std::chrono::duration<double>(lab.clock.now() - second).count(), 2.0, 0.01);  // 2 sqrt(d/a)
  });
}

TEST(Robot, CollinearLinesRunThroughAndCornersStop) {
  const auto time_of = [](std::vector<std::string> lines) {
    Lab lab;
    double taken = 0;
    lab.run([&]() -> Task<> {
      co_await lab.homed();
      const Time start = lab.clock.now();
      std::string all;
      for (const auto& line : lines) all += line + "\n";
      co_await lab.console.send(all + "G4 P0\n");
      for (std::size_t i = 0; i <= lines.size(); ++i) co_await lab.console.line();
      taken = std::chrono::duration<double>(lab.clock.now() - start).count();
    });
    return taken;
  };
  const double whole = time_of({"G4 P0", "G1 X300 F60000"});
  const double parts = time_of({"G4 P0", "G1 X0.001 F60000", "X100", "X200", "X300"});
  const double corner = time_of({"G4 P0", "G1 X150 F60000", "Y150"});
  EXPECT_NEAR(parts, whole, 0.005);
  EXPECT_GT(corner, whole + 0.05);
}

TEST(Robot, IsSilentWhileHoming) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.line();
    co_await lab.console.line();
    co_await lab.console.send("$H\n");
    co_await lab.clock.sleep_for(milliseconds(10));
    auto answer = co_await lab.console.ask("?", milliseconds(500));
    EXPECT_EQ(answer, "(silence)");
    answer = co_await lab.console.line();
    EXPECT_TRUE(answer.starts_with("<Idle|MPos:0.000,0.000,0.000|")) << answer;
    answer = co_await lab.console.line();
    EXPECT_EQ(answer, "ok");
  });
}

TEST(Robot, ResetInMotionLosesThePositionAndLocks) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G1 X400 F60000");
    co_await lab.clock.sleep_for(milliseconds(200));
    auto line = co_await lab.console.ask("\x18");
    EXPECT_EQ(line, "ALARM:3");
    line = co_await lab.console.line();
    EXPECT_EQ(line, "Grbl 1.1h ['$' for help]");
    co_await lab.console.line();
    line = co_await lab.console.ask("G0 X0\n");
    EXPECT_EQ(line, "error:9");
  });
}

TEST(Robot, ResetAtRestKeepsThePosition) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G0 X40\nG4 P0");
    auto line = co_await lab.console.ask("\x18");
    EXPECT_EQ(line, "Grbl 1.1h ['$' for help]");
    line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Idle|MPos:40.000,0.000,0.000|")) << line;
  });
}

TEST(Robot, ResetWhileHomingIsAlarm6) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.line();
    co_await lab.console.line();
    co_await lab.console.send("$H\n");
    co_await lab.clock.sleep_for(milliseconds(300));
    auto line = co_await lab.console.ask("\x18");
    EXPECT_EQ(line, "ALARM:6");
  });
}

TEST(Robot, SoftLimitStopsBeforeAnythingMoves) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    auto line = co_await lab.console.ask("G0 X521\n");
    EXPECT_EQ(line, "ALARM:2");
    line = co_await lab.console.line();
    EXPECT_EQ(line, "[MSG:Reset to continue]");
    line = co_await lab.console.ask("?$H\n", seconds(30));
    EXPECT_EQ(line, "(silence)");
    line = co_await lab.console.ask("\x18");
    EXPECT_EQ(line, "Grbl 1.1h ['$' for help]");
    co_await lab.console.line();
    line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Alarm|MPos:0.000,0.000,0.000|")) << line;
  });
}

TEST(Robot, UnlockedWithoutHomingItRunsIntoTheFrame) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.line();
    co_await lab.console.line();
    co_await lab.console.ask("$X\n");
    co_await lab.console.line();
    // it believes to be at 0 and stands at 150 of 520
    auto line = co_await lab.console.ask("G1 X400 F6000\n");
    EXPECT_EQ(line, "ok");
    line = co_await lab.console.line();
    EXPECT_EQ(line, "ALARM:1");
  });
}

TEST(Robot, FeedHoldBrakesAndResumeGoesOn) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G1 X400 F30000");
    co_await lab.clock.sleep_for(milliseconds(300));
    co_await lab.console.send("!");
    co_await lab.clock.sleep_for(milliseconds(10));
    auto line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Hold:1|")) << line;
    co_await lab.clock.sleep_for(milliseconds(100));
    line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Hold:0|MPos:1")) << line;
    auto still = co_await lab.console.ask("?");
    EXPECT_EQ(line.substr(0, 30), still.substr(0, 30));
    co_await lab.console.send("~");
    co_await lab.all_ok("G4 P0");
    line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Idle|MPos:400.000,")) << line;
  });
}

TEST(Robot, ResetAfterAHoldKeepsThePosition) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G1 X400 F30000");
    co_await lab.clock.sleep_for(milliseconds(300));
    co_await lab.console.send("!");
    co_await lab.clock.sleep_for(milliseconds(100));
    auto line = co_await lab.console.ask("\x18");
    EXPECT_EQ(line, "Grbl 1.1h ['$' for help]");
    line = co_await lab.console.ask("?");
    EXPECT_TRUE(line.starts_with("<Idle|MPos:1")) << line;
  });
}

TEST(Robot, ThePlannerFillsUpAndThenOksWait) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    const Time start = lab.clock.now();
    int at_once = 0;
    for (int i = 0; i < 20; ++i) {
      const char* line = i % 2 == 0 ? "G1 X50 F6000\n" : "G1 X0 F6000\n";
      co_await lab.console.ask(line);
      if (lab.clock.now() - start < milliseconds(100)) ++at_once;
    }
    EXPECT_EQ(at_once, 15);
  });
}

TEST(Robot, BytesBeyondTheReceiveBufferAreLost) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    co_await lab.all_ok("G1 X50 F6000");
    co_await lab.console.send("G4 P0\n");
    std::string flood;
    for (int i = 0; i < 60; ++i) flood += "G4P0\n";
    co_await lab.console.send(flood);
    int answers = 0;
    for (;;) {
      auto line = co_await lab.console.line(seconds(5));
      if (line == "(silence)") break;
      ++answers;
    }
    EXPECT_LT(answers, 30);
    EXPECT_GT(answers, 20);
  });
}

TEST(Robot, SurvivesAnyBytes) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.homed();
    Draws draws(9, 0, 0, 1);
    for (int i = 0; i < 400; ++i) {
      std::string noise;
      for (int k = 0; k < 50; ++k) {
        const auto c = static_cast<char>(draws.below(256));
        noise += c;
      }
      co_await lab.console.send(noise + "\n");
      co_await lab.clock.sleep_for(milliseconds(20));
    }
    co_await lab.console.send("\x18");
    co_await lab.clock.sleep_for(seconds(1));
    for (;;) {
      auto line = co_await lab.console.line(milliseconds(10));
      if (line == "(silence)") break;
    }
    auto answer = co_await lab.console.ask("$H\n");
    EXPECT_EQ(answer, "ok");
  });
}

}  // namespace
}  // namespace swiperig
