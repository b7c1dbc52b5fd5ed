// States, realtime bytes and `$` lines of the GRBL stand-in (tests/grbl_table.hpp).
#include <set>

#include "rig/random.hpp"
#include "tests/grbl_table.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kModes = "[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]";

void open_door(RobotWiring& wiring) { wiring.door_open = true; }

std::vector<GrblRow> states() {
  const auto slow_hold = then(sluggish(), "!"), slow_door = then(sluggish(), "\x84");
  const auto door = then(homed(), "\x84");
  const auto spinning = then(then(homed(), "M3 S100\n"), "\x84");
  return {
      {"? alone needs no end of line", locked(), "?", {"<Alarm|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|*>"}},
      {"? is no part of a line", homed(), "G2?1\n", {"<Idle|*>", "ok"}},
      {"WCO comes now and then, overrides in the next report",
       locked(),
       "???",
       {"<Alarm|*|FS:0,0|WCO:0.000,0.000,0.000>", "<Alarm|*|FS:0,0|Ov:100,100,100>", "<Alarm|*|FS:0,0>"}},
      {"Idle", homed(), "?", {"<Idle|MPos:0.000,0.000,0.000|*"}},
      {"Run", running(), "?", {"<Run|*|Bf:14,128|FS:6000,0|*"}},
      {"no reply during homing", homing(), "?", {}},
      {"but after it", then(homing(), "?"), "", {"<Idle|*", "ok"}, kGrblLong},
      {"Hold:0", then(running(), "!"), "?", {"<Hold:0|*|FS:0,0|*"}},
      {"Hold:0 from rest", then(homed(), "!"), "?", {"<Hold:0|*"}},
      {"Hold:1 while it brakes", slow_hold, "?", {"<Hold:1|*"}},
      {"a hold cannot be resumed while it brakes", then(slow_hold, "~"), "?", {"<Hold:1|*"}},
      {"held, lines wait", then(running(), "!"), "G21\n", {}},
      {"resumed, they go on", then(running(), "!"), "G21\n~", {"ok"}},
      {"resumed, motion goes on", then(then(running(), "!"), "~"), "?", {"<Run|*|FS:6000,0|*"}},
      {"~ means nothing else", then(running(), "~"), "?", {"<Run|*"}},
      {"! does not hold what is locked", then(locked(), "!"), "?", {"<Alarm|*"}},
      {"Jog", jogging(), "?", {"<Jog|*|FS:6000,0|*"}},
      {"jogs queue up", jogging(), "$J=X300 F6000\n$J=X200 F6000\n?", {"<Jog|*", "ok", "ok"}},
      {"0x85 cancels a jog and all behind it",
       then(then(jogging(), "$J=X300 F6000\n"), "\x85"),
       "?",
       {"<Idle|*|Bf:15,128|*"}},
      {"0x85 is for jogs only", then(running(), "\x85"), "?", {"<Run|*"}},
      {"! cancels a jog too", then(jogging(), "!"), "?", {"<Idle|*"}},
      {"after a cancelled jog all goes on", then(jogging(), "\x85"), "G0 X1\n", {"ok"}},
      {"a jog leaves the modes alone", then(homed(), "$J=G91 G20 X1 F100\n"), "$G\n", {kModes, "ok"}},
      {"G91 and G20 are a jog's own", then(homed(), "$J=G91 G20 X1 F100\n", kGrblLong), "?", {"<Idle|MPos:25.400,*"}},
      {"G53 is allowed in a jog", homed(), "$J=G53 X10 F600\n", {"ok"}},
      {"0x84 door, at rest", homed(), "\x84", {"[MSG:Check Door]"}},
      {"Door:0 closed and ready", door, "?", {"<Door:0|*"}},
      {"Door:1 stands open", door, "?", {"<Door:1|*|Pn:D|*"}, milliseconds(100), nullptr, open_door},
      {"Door:1 is not resumed", door, "~?", {"<Door:1|*"}, milliseconds(100), nullptr, open_door},
      {"Door:2 while it brakes", slow_door, "?", {"<Door:2|*"}},
      {"Door:3 while it restores, 4 s for a spindle", then(spinning, "~", seconds(3)), "?", {"<Door:3|*"}},
      {"and is done then", then(spinning, "~", seconds(5)), "?", {"<Idle|*"}},
      {"a closed door is resumed", then(door, "~"), "?", {"<Idle|*"}},
      {"a door's lines wait", door, "G21\n", {}},
      {"a door stops a motion that goes on afterwards", then(then(running(), "\x84"), "~"), "?", {"<Run|*"}},
      {"a door in a jog ends it", then(jogging(), "\x84"), "?", {"<Door:0|*|Bf:15,128|*"}},
      {"no door when locked", locked(), "\x84?", {"<Alarm|*"}},
      {"Check", checking(), "?", {"<Check|*"}},
      {"Sleep", asleep(), "?", {"<Sleep|*"}},
      {"asleep, no line is heard", asleep(), "G21\n$X\n$H\n", {}},
      {"it wakes locked", asleep(), "\x18", {kGrblBanner, kGrblLocked}},
      {"a motion's end: the dwell's ok waits for it", running(), "G4 P0.01\n", {}},
      {"a motion's end: the dwell's ok comes then", running(), "G4 P0.01\n", {"ok"}, seconds(5)},
      {"WPos if the mask says so", then(homed(), "$10=0\n"), "?", {"<Idle|WPos:0.000,0.000,0.000|FS:0,0|*"}},
      {"a probe's pin",
       homed(),
       "?",
       {"<Idle|*|Pn:P|*"},
       milliseconds(100),
       [](RobotWiring& wiring) { wiring.probe_touches = true; }},
  };
}

std::vector<GrblRow> overrides() {
  const auto rapid = then(then(then(homed(), "$110=6000\n"), "G0 X400\n"), "?");
  const auto spindle = then(homed(), "M3 S100\n");
  const auto at = [](GrblSteps steps, std::string bytes) {
    return then(then(std::move(steps), "?"), std::move(bytes));
  };
  return {
      {"told at once", then(running(), "?"), "\x91?", {"<Run|*|Ov:110,100,100>"}},
      {"0x91 +10 %, and faster", at(running(), "\x91"), "?", {"<Run|*|FS:6600,0|Ov:110,100,100>"}},
      {"0x92 -10 %", at(running(), "\x92\x92\x92\x92\x92"), "?", {"<Run|*|FS:3000,0|Ov:50,100,100>"}},
      {"0x93 +1 %", at(running(), "\x93"), "?", {"<Run|*|FS:6060,0|Ov:101,100,100>"}},
      {"0x94 -1 %", at(running(), "\x94"), "?", {"<Run|*|FS:5940,0|Ov:99,100,100>"}},
      {"0x90 back to 100 %", at(running(), "\x91\x91\x90"), "?", {"<Run|*|FS:6000,0|Ov:100,100,100>"}},
      {"at most 200 %", at(running(), std::string(15, '\x91')), "?", {"<Run|*|FS:12000,0|Ov:200,100,100>"}},
      {"at least 10 %", at(running(), std::string(15, '\x92')), "?", {"<Run|*|FS:600,0|Ov:10,100,100>"}},
      {"no faster than the axis",
       then(then(then(homed(), "$110=6300\n"), "G1 X400 F6000\n"), "\x91\x91"),
       "?",
       {"<Run|*|FS:6300,0|*"}},
      {"a slowed motion arrives",
       at(running(), "\x92\x92\x92\x92\x92\x91\x93"),
       "G4 P0\n?",
       {"<Run|*", "ok"},
       kGrblLong},
      {"a jog knows no feed override", then(jogging(), "\x92"), "?", {"<Jog|*|FS:6000,0|*"}},
      {"a rapid neither", then(rapid, "\x92"), "?", {"<Run|*|FS:6000,0|Ov:90,100,100>"}},
      {"0x96 rapids at 50 %", then(rapid, "\x96"), "?", {"<Run|*|FS:3000,0|Ov:100,50,100>"}},
      {"0x97 rapids at 25 %", then(rapid, "\x97"), "?", {"<Run|*|FS:1500,0|Ov:100,25,100>"}},
      {"0x95 rapids at 100 %", then(rapid, "\x97\x95"), "?", {"<Run|*|FS:6000,0|Ov:100,100,100>"}},
      {"a feed has no rapid override", at(running(), "\x97"), "?", {"<Run|*|FS:6000,0|Ov:100,25,100>"}},
      {"0x9A spindle +10 %", at(spindle, "\x9A"), "?", {"<Idle|*|FS:0,110|Ov:100,100,110|A:S>"}},
      {"0x9B spindle -10 %", at(spindle, "\x9B"), "?", {"<Idle|*|FS:0,90|Ov:100,100,90|A:S>"}},
      {"0x9C spindle +1 %", at(spindle, "\x9C"), "?", {"<Idle|*|FS:0,101|Ov:100,100,101|A:S>"}},
      {"0x9D spindle -1 %", at(spindle, "\x9D"), "?", {"<Idle|*|FS:0,99|Ov:100,100,99|A:S>"}},
      {"0x99 spindle 100 %", at(spindle, "\x9A\x99"), "?", {"<Idle|*|FS:0,100|Ov:100,100,100|A:S>"}},
      {"0x9E stops the spindle of a hold", at(then(spindle, "!"), "\x9E"), "?", {"<Hold:0|*|FS:0,0|Ov:100,100,100>"}},
      {"0x9E twice starts it again",
       at(then(spindle, "!"), "\x9E\x9E"),
       "?",
       {"<Hold:0|*|FS:0,100|Ov:100,100,100|A:S>"}},
      {"0x9E is for a hold only", then(spindle, "\x9E"), "?", {"<Idle|*|FS:0,100|*"}},
      {"0xA0 turns the coolant on", then(homed(), "\xA0"), "$G\n", {"[GC:* M5 M8 T0 *]", "ok"}},
      {"0xA0 is told", at(homed(), "\xA0"), "?", {"<Idle|*|Ov:100,100,100|A:F>"}},
      {"0xA0 twice turns it off", then(homed(), "\xA0\xA0"), "$G\n", {kModes, "ok"}},
      {"0xA1 is the mist of another build", then(homed(), "\xA1"), "$G\n", {kModes, "ok"}},
      {"a reset ends them", at(homed(), "\x91\x96\x9A\x18"), "??", {"<Idle|*", "<Idle|*|Ov:100,100,100>"}},
  };
}

std::vector<GrblRow> system_lines() {
  const Lines offsets = {"[G54:0.000,0.000,0.000]",   "[G55:0.000,0.000,0.000]",
                         "[G56:0.000,0.000,0.000]",   "[G57:0.000,0.000,0.000]",
                         "[G58:0.000,0.000,0.000]",   "[G59:0.000,0.000,0.000]",
                         "[G28:0.000,0.000,0.000]",   "[G30:0.000,0.000,0.000]",
                         "[G92:0.000,0.000,0.000]",   "[TLO:0.000]",
                         "[PRB:0.000,0.000,0.000:0]", "ok"};
  Lines settings;
  for (const int n : {0,  1,  2,  3,  4,  5,   6,   10,  11,  12,  13,  20,  21,  22,  23,  24,  25,
                      26, 27, 30, 31, 32, 100, 101, 102, 110, 111, 112, 120, 121, 122, 130, 131, 132}) {
    settings.push_back("$" + std::to_string(n) + "=*");
  }
  settings.push_back("ok");
  const auto kept = then(homed(), "$N0=G91\n");
  return {
      {"$ help", locked(), "$\n", {"[HLP:*]", "ok"}},
      {"$H", locked(), "$H\n", {"ok"}, kGrblLong},
      {"$H again", homed(), "$H\n", {"ok"}, kGrblLong},
      {"$X", locked(), "$X\n", {"[MSG:Caution: Unlocked]", "ok"}},
      {"$X then", then(locked(), "$X\n"), "G0 X1\n", {"ok"}},
      {"$X where nothing is locked", homed(), "$X\n", {"ok"}},
      {"$X is not minded in motion", running(), "$X\n", {"ok"}},
      {"$G", homed(), "$G\n", {kModes, "ok"}},
      {"$G in motion", running(), "$G\n", {"[GC:G1 G54 G17 G21 G90 G94 M5 M9 T0 F6000 S0]", "ok"}},
      {"$G after all",
       then(homed(), "G20 G91 G80 M4 M8 S5 T7\n"),
       "$G\n",
       {"[GC:G80 G54 G17 G20 G91 G94 M4 M8 T7 F0 S5]", "ok"}},
      {"$$", homed(), "$$\n", settings},
      {"$$ when locked", locked(), "$$\n", settings},
      {"$$ in a jog", jogging(), "$$\n", settings},
      {"$x=", homed(), "$110=9000\n", {"ok"}},
      {"$#", homed(), "$#\n", offsets},
      {"$# when locked", locked(), "$#\n", offsets},
      {"$I", homed(), "$I\n", {"[VER:1.1h.*:]", "[OPT:V*,15,128]", "ok"}},
      {"$I=", then(homed(), "$I=rig 3\n"), "$I\n", {"[VER:1.1h.*:RIG3]", "[OPT:*]", "ok"}},
      {"$I of a build without PWM",
       homed(),
       "$I\n",
       {"[VER:1.1h.*:]", "[OPT:Z,15,128]", "ok"},
       milliseconds(100),
       [](RobotWiring& wiring) { wiring.pwm_spindle = false; }},
      {"$N", homed(), "$N\n", {"$N0=", "$N1=", "ok"}},
      {"$Nx= keeps a line", kept, "$N\n", {"$N0=G91", "$N1=", "ok"}},
      {"$Nx= refuses a bad one", homed(), "$N0=G5\n", {"error:20"}},
      {"$Nx= and does not keep it", then(homed(), "$N0=G5\n"), "$N\n", {"$N0=", "$N1=", "ok"}},
      {"startup lines run at a start and count for no line", kept, "\x18", {kGrblBanner, ">G91:ok"}},
      {"startup lines run after homing", kept, "$H\n", {">G91:ok", "ok"}, kGrblLong},
      {"startup lines do not run when locked", then(kept, "$SLP\n"), "\x18", {kGrblBanner, kGrblLocked}},
      {"$C", homed(), "$C\n", {"[MSG:Enabled]", "ok"}},
      {"$C checks", checking(), "G1 X5\n", {"error:22"}},
      {"$C accepts", checking(), "G1 X50 F6000\nG4 P9\nM8\n", {"ok", "ok", "ok"}},
      {"$C moves nothing", then(checking(), "G1 X50 F6000\n"), "?", {"<Check|MPos:0.000,0.000,0.000|*"}},
      {"$C again resets", checking(), "$C\n", {"[MSG:Disabled]", "ok", kGrblBanner}},
      {"$C leaves nothing behind", then(then(checking(), "G91 X50\n"), "$C\n"), "$G\n", {kModes, "ok"}},
      {"$SLP", homed(), "$SLP\n", {"ok", "[MSG:Sleeping]"}},
      {"$SLP when locked", locked(), "$SLP\n", {"ok", "[MSG:Sleeping]"}},
      {"$RST=$", then(homed(), "$110=9000\n"), "$RST=$\n", {"[MSG:Restoring defaults]", "ok", kGrblBanner}},
      {"$RST=* forgets startup lines", then(kept, "$RST=*\n"), "$N\n", {"$N0=", "$N1=", "ok"}},
      {"$RST=# keeps them", then(kept, "$RST=#\n"), "$N\n", {"$N0=G91", "$N1=", "ok"}},
      {"$13=1 reports inches",
       then(then(homed(), "G0 X25.4\n", seconds(5)), "$13=1\n"),
       "?",
       {"<Idle|MPos:1.0000,0.0000,0.0000|*"}},
      {"$22=0 takes the soft limits with it", then(then(homed(), "$22=0\n"), "$J=X530 F60\n"), "?", {"<Jog|*"}},
  };
}

std::vector<GrblRow> work_offsets() {
  const auto offset = then(homed(), "G10 L2 P1 X10 Y20 Z-5\n");
  const auto shown = [](const char* g54) {
    return Lines{std::string("[G54:") + g54 + "]", "[G55:0.000,0.000,0.000]",
                 "[G56:0.000,0.000,0.000]",        "[G57:0.000,0.000,0.000]",
                 "[G58:0.000,0.000,0.000]",        "[G59:0.000,0.000,0.000]",
                 "[G28:0.000,0.000,0.000]",        "[G30:0.000,0.000,0.000]",
                 "[G92:0.000,0.000,0.000]",        "[TLO:0.000]",
                 "[PRB:0.000,0.000,0.000:0]",      "ok"};
  };
  const auto at = [](GrblSteps steps, const char* line) { return then(std::move(steps), line, kGrblLong); };
  return {
      {"G10 L2 is shown", offset, "$#\n", shown("10.000,20.000,-5.000")},
      {"and kept over a reset", then(offset, "\x18"), "$#\n", shown("10.000,20.000,-5.000")},
      {"and over its settings' restoring", then(offset, "$RST=$\n"), "$#\n", shown("10.000,20.000,-5.000")},
      {"until all is forgotten", then(offset, "$RST=#\n"), "$#\n", shown("0.000,0.000,0.000")},
      {"or with everything", then(offset, "$RST=*\n"), "$#\n", shown("0.000,0.000,0.000")},
      {"axes that are not named stay", then(offset, "G10 L2 P1 X1\n"), "$#\n", shown("1.000,20.000,-5.000")},
      {"in inches", then(offset, "G20 G10 L2 P1 X1\n"), "$#\n", shown("25.400,20.000,-5.000")},
      {"G10 L20: here is 0", then(at(homed(), "G0 X100 Y50\n"), "G10 P0 L20 X0 Y0\n"), "$#\n",
       shown("100.000,50.000,0.000")},
      {"a motion is in work coordinates",
       at(offset, "G1 X100 Y100 Z-10 F6000\n"),
       "?",
       {"<Idle|MPos:110.000,120.000,-15.000|*"}},
      {"G53 is not", at(offset, "G53 G1 X100 Y100 Z-10 F6000\n"), "?", {"<Idle|MPos:100.000,100.000,-10.000|*"}},
      {"G53 is of its line alone",
       at(at(offset, "G53 G1 X100 F6000\n"), "X100\n"),
       "?",
       {"<Idle|MPos:110.000,0.000,0.000|*"}},
      {"G53 is never relative",
       at(at(homed(), "G0 X50\n"), "G91 G53 G1 X10 F6000\n"),
       "?",
       {"<Idle|MPos:10.000,0.000,0.000|*"}},
      {"a jog is in work coordinates",
       at(offset, "$J=G90 G21 X100 F6000\n"),
       "?",
       {"<Idle|MPos:110.000,0.000,0.000|*"}},
      {"a jog with G53 is not", at(offset, "$J=G53 G90 G21 X100 F6000\n"), "?", {"<Idle|MPos:100.000,0.000,0.000|*"}},
      {"G55 has its own", then(offset, "G10 L2 P2 X7\nG55\n"), "$G\n", {"[GC:G0 G55 G17 *]", "ok"}},
      {"and goes by it",
       at(then(offset, "G10 L2 P2 X7\n"), "G55 G1 X100 F6000\n"),
       "?",
       {"<Idle|MPos:107.000,0.000,0.000|*"}},
      {"a reset goes back to G54", then(then(offset, "G55\n"), "\x18"), "$G\n", {kModes, "ok"}},
      {"WPos is where it is in them", then(offset, "$10=0\n"), "?", {"<Idle|WPos:-10.000,-20.000,5.000|*"}},
      {"WCO tells them at once",
       then(then(homed(), "??"), "G10 L2 P1 X10\n"),
       "?",
       {"<Idle|*|WCO:10.000,0.000,0.000*"}},
      {"soft limits are the machine's", offset, "$J=X511 F100\n", {"error:15"}},
  };
}

std::vector<GrblRow> frames() {
  const auto stock = [](RobotWiring& wiring) { wiring.stock_frame = true; };
  const auto high = then(then(locked(), "$23=0\n"), "$H\n", kGrblLong);
  const auto short_ms = milliseconds(100);
  return {
      {"a build that forces the origin homes to 0", homed(), "?", {"<Idle|MPos:0.000,0.000,0.000|*"}},
      {"a stock build homes to its pull-off", homed(), "?", {"<Idle|MPos:-518.000,-298.000,-2.000|*"}, short_ms, stock},
      {"at the high ends", high, "?", {"<Idle|MPos:-2.000,-2.000,-2.000|*"}, short_ms, stock},
      {"a stock build's travel is below 0", homed(), "$J=X0 F60\n$J=X-520 F60\n", {"ok", "ok"}, short_ms, stock},
      {"and ends there", homed(), "$J=X0.1 F60\n$J=X-520.1 F60\n", {"error:15", "error:15"}, short_ms, stock},
  };
}

class GrblSystemTable : public testing::TestWithParam<GrblRow> {};

TEST_P(GrblSystemTable, AnswersAsTheDocumentSays) { expect_row(GetParam().wanted, play(GetParam()), GetParam().rule); }

INSTANTIATE_TEST_SUITE_P(States, GrblSystemTable, testing::ValuesIn(states()));
INSTANTIATE_TEST_SUITE_P(Overrides, GrblSystemTable, testing::ValuesIn(overrides()));
INSTANTIATE_TEST_SUITE_P(WorkOffsets, GrblSystemTable, testing::ValuesIn(work_offsets()));
INSTANTIATE_TEST_SUITE_P(Frames, GrblSystemTable, testing::ValuesIn(frames()));
INSTANTIATE_TEST_SUITE_P(Lines, GrblSystemTable, testing::ValuesIn(system_lines()));

TEST(GrblSystemTableCoverage, HasEveryStateAndByteOfTheDocument) {
  auto rows = states();
  for (auto& row : overrides()) rows.push_back(row);
  Lines names;
  // of Home nothing is ever seen: it does not answer while it homes
  for (const char* state :
       {"Idle", "Run", "Hold:0", "Hold:1", "Jog", "Alarm", "Door:0", "Door:1", "Door:2", "Door:3", "Check", "Sleep"}) {
    names.push_back(std::string("<") + state);
  }
  EXPECT_EQ(missing(names, rows), Lines{});
  EXPECT_EQ(missing({"<Home", "<Door:4"}, rows).size(), 2u);
  std::set<unsigned char> sent;
  for (const auto& row : rows) {
    for (const auto& step : row.before) sent.insert(step.sent.begin(), step.sent.end());
    sent.insert(row.sent.begin(), row.sent.end());
  }
  for (const int byte : {0x3F, 0x21, 0x7E, 0x18, 0x84, 0x85, 0x90, 0x91, 0x92, 0x93, 0x94,
                         0x95, 0x96, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0xA0, 0xA1}) {
    EXPECT_TRUE(sent.contains(static_cast<unsigned char>(byte))) << byte;
  }
  EXPECT_FALSE(sent.contains(0x98));
}

TEST(GrblSystemTableCoverage, AfterAnythingInAnyOrderAResetAndHomingBringItBack) {
  const Lines words = {"G0 X100 Y50\n",
                       "G1 X10 F3000\n",
                       "G91 X1\n",
                       "G4 P0.01\n",
                       "G38.2 X3 F900\n",
                       "M8\n",
                       "M9\n",
                       "M3 S9\n",
                       "$H\n",
                       "$X\n",
                       "$C\n",
                       "$J=G91 X5 F900\n",
                       "$SLP\n",
                       "$RST=*\n",
                       "$N0=G0 X9\n",
                       "$$\n",
                       "?",
                       "!",
                       "~",
                       "\x18",
                       "\x84",
                       "\x85",
                       "\x91",
                       "\x92",
                       "\x97",
                       "\x9E",
                       "\xA0",
                       "G0 X999\n"};
  for (std::uint32_t round = 0; round < 50; ++round) {
    RobotLab lab;
    Draws draws(4, 0, round, 1);
    lab.run([&]() -> Task<> {
      for (int i = 0; i < 60; ++i) {
        const auto& word = words[draws.below(static_cast<std::uint32_t>(words.size()))];
        const auto pause_ms = draws.below(300);
        co_await lab.console.send(word);
        co_await lab.clock.sleep_for(milliseconds(pause_ms));
      }
      // whoever homes is done then, and a reset of nothing in motion has no alarm
      co_await lab.clock.sleep_for(seconds(60));
      co_await lab.console.send("\x18");
      co_await lab.clock.sleep_for(seconds(1));
      co_await hear_all(lab.console, Duration(0));
      co_await lab.console.send("$RST=*\n");
      co_await lab.clock.sleep_for(seconds(1));
      co_await hear_all(lab.console, Duration(0));
      auto answer = co_await lab.console.ask("$H\n");
      EXPECT_EQ(answer, "ok") << round;
      co_await lab.console.send("?");
      co_await lab.clock.sleep_for(milliseconds(100));
      auto status = co_await lab.console.line();
      EXPECT_TRUE(fits("<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|*", status)) << round << status;
    });
  }
}

}  // namespace
}  // namespace swiperig
