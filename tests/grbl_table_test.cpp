// Errors and alarms of the GRBL stand-in (tests/grbl_table.hpp).
#include "tests/grbl_table.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;

std::vector<GrblRow> errors() {
  const std::string long79 = "G0X" + std::string(75, '0') + "1", long80 = "G0X" + std::string(76, '0') + "1";
  const auto door = [](RobotWiring& wiring) { wiring.door_open = true; };
  const auto spoiled = [](RobotWiring& wiring) { wiring.spoiled = true; };
  const auto relay_spindle = [](RobotWiring& wiring) { wiring.pwm_spindle = false; };
  std::vector<GrblRow> rows = {
      {"one ok per line, ended by CR", homed(), "G21\r", {"ok"}},
      {"LF is tolerated", homed(), "G21\n", {"ok"}},
      {"CR LF are two lines", homed(), "G21\r\n", {"ok", "ok"}},
      {"an empty line is a line", homed(), "\n", {"ok"}},
      {"comments and blanks are none of its business", homed(), " g21 (mm) ; said\n", {"ok"}},
      {"1 a letter is expected", homed(), "*\n", {"error:1"}},
      {"1 garbage", homed(), "%\n", {"error:1"}},
      {"2 bad number", homed(), "X\n", {"error:2"}},
      {"2 garbage", homed(), "hello\n", {"error:2"}},
      {"2 firmware: an unknown $ letter is taken for a setting's number", homed(), "$Q\n", {"error:2"}},
      {"2 bad value of a setting", homed(), "$110=x\n", {"error:2"}},
      {"3 unknown $ statement", homed(), "$GX\n", {"error:3"}},
      {"3 unknown setting", homed(), "$99=1\n", {"error:3"}},
      {"3 setting beyond 255", homed(), "$256=1\n", {"error:3"}},
      {"3 sleep misspelt", homed(), "$SLQ\n", {"error:3"}},
      {"3 nothing to restore", homed(), "$RST=q\n", {"error:3"}},
      {"3 firmware: a jog without =", homed(), "$JX1F100\n", {"error:3"}},
      {"4 negative setting", homed(), "$110=-1\n", {"error:4"}},
      {"4 negative dwell", homed(), "G4 P-1\n", {"error:4"}},
      {"4 negative feed", homed(), "F-1\n", {"error:4"}},
      {"5 homing is off", then(homed(), "$22=0\n"), "$H\n", {"error:5"}},
      {"6 step pulse below 3 us", homed(), "$0=2\n", {"error:6"}},
      {"6 its limit", homed(), "$0=3\n", {"ok"}},
      {"7 the memory could not be read",
       locked(),
       "$N\n",
       {"error:7", "error:7", "ok"},
       milliseconds(100),
       nullptr,
       spoiled},
      {"7 and is whole afterwards", then(locked(), "$N\n"), "$N\n", {"$N0=", "$N1=", "ok"}},
      {"7 at a start, where it counts for no line",
       homed(),
       "\x18",
       {kGrblBanner, ">:error:7", ">:error:7"},
       milliseconds(100),
       nullptr,
       spoiled},
      {"9 locked", locked(), "G0 X1\n", {"error:9"}},
      {"9 locked for all G-code", locked(), "G21\n", {"error:9"}},
      {"9 jogging", jogging(), "G0 X1\n", {"error:9"}},
      {"10 soft limits need homing", then(homed(), "$22=0\n"), "$20=1\n", {"error:10"}},
      {"10 not with homing", homed(), "$20=1\n", {"ok"}},
      {"11 at most 80 characters, one of them the end (firmware)", homed(), long79 + "\n", {"ok"}},
      {"11 line too long", homed(), long80 + "\n", {"error:11"}},
      {"11 far too long, and forgotten", homed(), std::string(120, 'X') + "\nG21\n", {"error:11", "ok"}},
      {"13 door open: no unlocking", locked(), "$X\n", {"error:13"}, milliseconds(100), nullptr, door},
      {"13 door open: no homing", locked(), "$H\n", {"error:13"}, milliseconds(100), nullptr, door},
      {"15 jog out of range", homed(), "$J=X600 F100\n", {"error:15"}},
      {"15 jog out of range, relative", homed(), "$J=G91 X-1 F100\n", {"error:15"}},
      {"16 a jog takes no G0", homed(), "$J=G0 X1 F100\n", {"error:16"}},
      {"16 a jog takes no M3", homed(), "$J=M3 X1 F100\n", {"error:16"}},
      {"16 a jog takes no dwell", homed(), "$J=G4 P1 F100\n", {"error:16"}},
      {"17 laser mode wants a PWM spindle", homed(), "$32=1\n", {"error:17"}, milliseconds(100), relay_spindle},
      {"17 has one", homed(), "$32=1\n", {"ok"}},
      {"20 unsupported G", homed(), "G5 X1\n", {"error:20"}},
      {"20 unsupported M", homed(), "M6\n", {"error:20"}},
      {"20 unsupported letter", homed(), "A1\n", {"error:20"}},
      {"21 two of one group", homed(), "G90 G91\n", {"error:21"}},
      {"22 no feed rate", homed(), "G1 X5\n", {"error:22"}},
      {"22 is given", homed(), "G1 X5 F600\n", {"ok"}},
      {"22 each jog needs its own", then(homed(), "F600\n"), "$J=X5\n", {"error:22"}},
      {"24 firmware: two motions in a line", homed(), "G0 G1 X1\n", {"error:24"}},
      {"25 a word twice", homed(), "G0 X1 X2\n", {"error:25"}},
      {"28 dwell without a time", homed(), "G4\n", {"error:28"}},
      {"20 firmware: G10 knows 2 and 20", homed(), "G10 L3 P1 X1\n", {"error:20"}},
      {"21 G10 beside G53", homed(), "G10 G53 L2 P1 X1\n", {"error:21"}},
      {"24 G10 beside a motion", homed(), "G10 G0 L2 P1 X1\n", {"error:24"}},
      {"26 G10 without an axis", homed(), "G10 L2 P1\n", {"error:26"}},
      {"28 firmware: G10 without either word", homed(), "G10 X1\n", {"error:28"}},
      {"29 G10 beyond G59", homed(), "G10 L2 P7 X1\n", {"error:29"}},
      {"29 its limit", homed(), "G10 L2 P6 X1\n", {"ok"}},
      {"36 an L of nobody", homed(), "G0 X1 L2\n", {"error:36"}},
      {"16 a jog takes no G10", homed(), "$J=G10 L2 P1 X1 F100\n", {"error:16"}},
      {"16 a jog takes no G55", homed(), "$J=G55 X1 F100\n", {"error:16"}},
      {"33 bad target: a probe that goes nowhere", homed(), "G38.2 X0 F100\n", {"error:33"}},
      {"38 tool too large", homed(), "T256\n", {"error:38"}},
      {"38 the largest", homed(), "T255\n", {"ok"}},
      {"control characters are thrown away", homed(), "\x01\x02G21\x03\n", {"ok"}},
      {"unknown bytes from 0x80 are no part of a line",
       homed(),
       "G\xF2"
       "2\xFF"
       "1\n",
       {"ok"}},
  };
  // 8 not idle: these are for a machine at rest
  for (const char* line :
       {"$$", "$#", "$I", "$N", "$C", "$H", "$SLP", "$RST=$", "$J=X1 F100", "$110=9000", "$N0=G21"}) {
    rows.push_back({"8 not idle: running", running(), std::string(line) + "\n", {"error:8"}});
  }
  for (const char* line : {"$#", "$I", "$N", "$C", "$H", "$SLP", "$RST=$", "$110=9000", "$N0=G21"}) {
    rows.push_back({"8 not idle: jogging", jogging(), std::string(line) + "\n", {"error:8"}});
  }
  for (const char* line : {"$#", "$I", "$N", "$H", "$SLP", "$RST=$", "$J=X1 F100", "$110=9000"}) {
    rows.push_back({"8 not idle: checking", checking(), std::string(line) + "\n", {"error:8"}});
  }
  for (const char* line : {"$C", "$J=X1 F100", "$N0=G21"}) {
    rows.push_back({"8 not idle: locked", locked(), std::string(line) + "\n", {"error:8"}});
  }
  return rows;
}

std::vector<GrblRow> alarms() {
  const std::vector<std::string> restarted = {kGrblBanner, kGrblLocked};
  const auto with = [](const char* alarm) { return std::vector<std::string>{alarm, kGrblBanner, kGrblLocked}; };
  const auto touching = [](RobotWiring& wiring) { wiring.probe_touches = true; };
  // unlocked without homing it believes to be at 0 and stands at 150 of 520
  const auto crashed = then(then(locked(), "$X\n"), "G1 X400 F6000\n", kGrblLong);
  const auto outside = then(then(homed(), "G0 X40\n", kGrblLong), "G0 X600\n");
  return {
      {"at power-up it is locked", {}, "", restarted},
      {"1 hard limit",
       then(locked(), "$X\n"),
       "G1 X400 F6000\n",
       {"ok", "ALARM:1", "[MSG:Reset to continue]"},
       kGrblLong},
      {"1 nothing but a reset is heard", crashed, "$X\n$H\nG0 X1\n?", {}, kGrblLong},
      {"1 a reset leaves it locked", crashed, "\x18", restarted},
      {"1 its switch is pressed", then(crashed, "\x18"), "?", {"<Alarm|*|Pn:X|*"}},
      {"2 soft limit, nothing moves", homed(), "G0 X600\n", {"ALARM:2", "[MSG:Reset to continue]"}, kGrblLong},
      {"2 nothing but a reset is heard", outside, "$X\n$H\nG0 X1\n?", {}, kGrblLong},
      {"2 the position is kept", then(outside, "\x18"), "?", {"<Alarm|MPos:40.000,0.000,0.000|*"}},
      {"2 when checking too", checking(), "G0 X600\n", {"ALARM:2", "[MSG:Reset to continue]"}},
      {"3 reset in motion", running(), "\x18", with("ALARM:3")},
      {"3 reset in a jog", jogging(), "\x18", with("ALARM:3")},
      {"3 home again", then(running(), "\x18"), "$H\n", {"ok"}, kGrblLong},
      {"3 not at rest", homed(), "\x18", {kGrblBanner}},
      {"3 hold first and steps are not lost", then(running(), "!"), "\x18", {kGrblBanner}},
      {"3 hold, reset: the buffer is gone",
       then(then(running(), "G1 X0\nG4 P1\n!"), "\x18"),
       "?",
       {"<Idle|MPos:*|Bf:15,128|FS:0,0|*"}},
      {"4 the probe touches too early", homed(), "G38.2 X10 F6000\n", {"ALARM:4", "ok"}, milliseconds(100), touching},
      {"4 the probe does not touch what it is to leave", homed(), "G38.4 X10 F6000\n", {"ALARM:4", "ok"}},
      {"5 the probe met nothing",
       homed(),
       "G38.2 X10 F6000\n",
       {"ALARM:5", "[PRB:0.000,0.000,0.000:0]", "ok"},
       kGrblLong},
      {"5 the probe still touches",
       homed(),
       "G38.4 X10 F6000\n",
       {"ALARM:5", "[PRB:0.000,0.000,0.000:0]", "ok"},
       kGrblLong,
       touching},
      {"5 not when told not to mind", homed(), "G38.3 X10 F6000\n", {"[PRB:10.000,0.000,0.000:0]", "ok"}, kGrblLong},
      {"5 can be unlocked", then(homed(), "G38.2 X10 F6000\n", kGrblLong), "$X\n", {"[MSG:Caution: Unlocked]", "ok"}},
      {"6 reset while homing", homing(), "\x18", with("ALARM:6")},
      {"7 door while homing", homing(), "\x84", with("ALARM:7")},
      {"8 pull-off failed", locked(), "$H\n", with("ALARM:8"), kGrblLong,
       [](RobotWiring& wiring) { wiring.homing_alarm = 8; }},
      {"9 switch not found", locked(), "$H\n", with("ALARM:9"), kGrblLong,
       [](RobotWiring& wiring) { wiring.homing_alarm = 9; }},
      {"10 the second switch of a dual axis not found", locked(), "$H\n", with("ALARM:10"), kGrblLong,
       [](RobotWiring& wiring) { wiring.homing_alarm = 10; }},
      {"no motion after a failed homing",
       then(locked(), "$H\n", kGrblLong),
       "G0 X1\n",
       {"error:9"},
       milliseconds(100),
       [](RobotWiring& wiring) { wiring.homing_alarm = 9; }},
  };
}

class GrblTable : public testing::TestWithParam<GrblRow> {};

TEST_P(GrblTable, AnswersAsTheDocumentSays) { expect_row(GetParam().wanted, play(GetParam()), GetParam().rule); }

INSTANTIATE_TEST_SUITE_P(Errors, GrblTable, testing::ValuesIn(errors()));
INSTANTIATE_TEST_SUITE_P(Alarms, GrblTable, testing::ValuesIn(alarms()));

TEST(GrblTableCoverage, HasEveryErrorAndAlarmOfTheDocument) {
  auto rows = errors();
  for (auto& row : alarms()) rows.push_back(row);
  Lines names;
  for (const int n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 16, 17, 20, 22, 33, 38}) {
    names.push_back("error:" + std::to_string(n));
  }
  for (int n = 1; n <= 10; ++n) names.push_back("ALARM:" + std::to_string(n));
  EXPECT_EQ(missing(names, rows), Lines{});
  EXPECT_EQ(missing({"error:99", "ALARM:11"}, rows).size(), 2u);
}

TEST(GrblTableCoverage, ADifferenceIsSeen) {
  EXPECT_EQ(difference({"ok", "<Idle|*|FS:0,0|*>"}, {"ok", "<Idle|MPos:0|FS:0,0|WCO:0>"}), "");
  EXPECT_EQ(difference({"ok"}, {"error:9"}), "heard error:9, wanted ok");
  EXPECT_EQ(difference({"ok"}, {}), "never heard: ok");
  EXPECT_EQ(difference({}, {"ok"}), "more than wanted: ok");
  EXPECT_NE(difference({"<Idle|*"}, {"<Run|MPos:0>"}), "");
  EXPECT_NE(difference({"*|FS:0,0>"}, {"<Idle|FS:0,0|Pn:X>"}), "");
}

}  // namespace
}  // namespace swiperig
