// Teaching: lines typed, the robot stand-in jogged, places stored; it never leaves its envelope, stops when it is told
// to or nobody types any more, and the file of before stays.
#include "bindings/teach.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "bindings/config.hpp"
#include "bindings/durable_file.hpp"
#include "fixtures/robot.hpp"
#include "rig/random.hpp"
#include "tests/console.hpp"
#include "tests/folder.hpp"
#include "tests/guard_lane.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A bench file with a robot to teach, and the positions beside it.
class Teach : public testing::Test {
 protected:
  Teach() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
    }
    path = folder / "benches/lab.toml";
    positions = folder / "benches/lab.positions.toml";
  }
  /// What a session says in which this is typed: each line when its time has come, then the end of it; robot and
  /// terminal of that session are what `look` sees while it goes on.
  std::string said(const std::vector<std::pair<Duration, std::string>>& lines, Duration stop_after = {}) {
    VirtualClock clock;
    DrawPlace place;
    TouchedTerminal terminal(clock);
    auto cable = make_pipe(clock), keyboard = make_pipe(clock);
    Robot robot(clock, std::move(cable.first), terminal, RobotGeometry{}, {}, place);
    std::ostringstream out;
    std::atomic<bool> stop = false;
    const auto typist = [&]() -> Task<> {
      try {
        for (const auto& [after, line] : lines) {
          co_await clock.sleep_for(after);
          if (stop) break;
          const std::string text = line + "\n";
          co_await keyboard.first->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
        }
      } catch (const LinkError&) {
        // the session is over
      }
      keyboard.first->close(Close::fin);
    };
    const auto stopper = [&]() -> Task<> {
      co_await clock.sleep_for(stop_after);
      stop = true;
    };
    const auto all = [&]() -> Task<> {
      Crew crew(clock);
      crew.start(robot.run());
      crew.start(typist());
      if (stop_after.count() != 0) crew.start(stopper());
      TeachBench bench = read_teach_bench(path);
      code = co_await teach_session(clock, std::move(bench), std::move(cable.second), std::move(keyboard.second), out,
                                    stop);
      took = clock.now().time_since_epoch();
      robot.stop();
      co_await crew.join();
    };
    clock.run(all());
    return out.str();
  }
  /// All typed at once, after which nobody types for a while.
  std::string said(const std::string& text) {
    std::vector<std::pair<Duration, std::string>> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.emplace_back(0s, line);
    lines.emplace_back(600s, "where");
    return said(lines);
  }
  Folder folder;
  std::string path, positions;
  int code = -1;
  Duration took{};
};

TEST_F(Teach, JogsMarksAndStoresWhatABenchThenReads) {
  std::filesystem::remove(positions);
  const std::string out = said(
      "home\nspeed 100\ngo 100.5 200\nz-51\nheight grip\ncard debit\nup\ngo 400 120\nz-34\nheight hover\nz-7\nheight "
      "press\n"
      "key OK\nz+7\nx+16.25\nkey 1\nup\ngo 300 30\nz-25\nchip_slot\nsave\nquit\n");
  EXPECT_THAT(out, AllOf(HasSubstr("x 416.250  y 120.000  z -34.000"), HasSubstr("saved: 2 keys, 1 cards")));
  EXPECT_EQ(code, 0) << out;
  EXPECT_EQ(read_text(positions),
            "# Taught positions in mm, machine coordinates; written by `swiperig teach`.\nschema = 1\n\n[keys_mm]\n"
            "1 = [416.25, 120]\nOK = [400, 120]\n\n[cards_mm]\ndebit = [100.5, 200]\n\n[heights_mm]\ngrip = -51\n"
            "hover = -34\npress = -41\n\n[places_mm]\nchip_slot = [300, 30, -25]\n");
  const BenchFile bench = read_bench(path);
  EXPECT_EQ(bench.robot.keys.at("1").x_mm, 416.25);
  EXPECT_EQ(bench.robot.grip_z_mm, -51);
  EXPECT_EQ(bench.robot.chip_slot->at.x_mm, 300);
}

TEST_F(Teach, WhatWasTaughtBeforeStaysAndTheOldFileIsKept) {
  const std::string before = read_text(positions);
  EXPECT_THAT(said("home\nspeed 200\ngo 401 121\nkey 1\nforget card credit\nsave\nquit\n"),
              HasSubstr("saved: 13 keys, 1 cards"));
  EXPECT_EQ(read_text(positions + ".old"), before);
  EXPECT_FALSE(std::filesystem::exists(positions + ".new"));
  const BenchFile bench = read_bench(path);
  EXPECT_EQ(bench.robot.keys.at("1").x_mm, 401);
  EXPECT_EQ(bench.robot.keys.at("OK").x_mm, 432.1);
  EXPECT_FALSE(bench.robot.slots.contains("credit"));
}

TEST_F(Teach, NothingMovesBeforeItWasToldToHome) {
  const std::string out = said("x+10\nkey OK\ngo 100 100\nwhere\n");
  EXPECT_EQ(code, 0);
  EXPECT_THAT(out, Not(HasSubstr("marked")));
  std::size_t refused = 0;
  for (std::size_t at = out.find("home first"); at != out.npos; at = out.find("home first", at + 1)) ++refused;
  EXPECT_EQ(refused, 5u) << out;
}

TEST_F(Teach, NeverLeavesTheEnvelopeNorEntersAnothersRegion) {
  const std::string out = said("home\nspeed 500\nx+501\nz-61\ny-1\nx+400\nz-20\nx+70\nspeed 1001\nwhere\n");
  EXPECT_THAT(out, HasSubstr("no: swiper: refused: 501.0, 0.0, 0.0 lies outside the travel"));
  EXPECT_THAT(out, HasSubstr("no: swiper: refused: 0.0, 0.0, -61.0 lies outside the travel"));
  EXPECT_THAT(out, HasSubstr("no: swiper: refused: 0.0, -1.0, 0.0 lies outside the travel"));
  EXPECT_THAT(out, HasSubstr("enters the region of 'right' below its top at -10.0"));
  EXPECT_THAT(out, HasSubstr("no: a speed is 0.1 to 1000 mm/s"));
  EXPECT_THAT(out, HasSubstr("x 400.000  y 0.000  z -20.000")) << "the twin: what is within is done";
}

TEST_F(Teach, ARandomTypistNeverMakesItHitAnything) {
  Draws draws(5, 0, 0, 1);
  std::string text = "home\nspeed 1000\n";
  for (int i = 0; i < 300; ++i) {
    const auto axis = draws.below(3);
    const double by = draws.uniform() * (axis == 2 ? 80 : 600) * (draws.below(2) == 0 ? 1 : -1);
    text += std::string(1, "xyz"[axis]) + (by < 0 ? "" : "+") + std::to_string(by) + "\n";
  }
  const std::string out = said(text);
  EXPECT_THAT(out, Not(HasSubstr("alarm"))) << "a limit switch was hit";
  EXPECT_THAT(out, HasSubstr("lies outside the travel"));
  EXPECT_EQ(out.find("lost"), out.npos);
}

TEST_F(Teach, StopEndOfInputAndCtrlCEndAJogAtOnce) {
  // 400 mm at 20 mm/s would take 20 s
  const std::string stopped =
      said({{0s, "home"}, {20s, "x+400"}, {2s, "stop"}, {5s, "where"}, {1s, "x+1"}, {5s, "where"}});
  EXPECT_THAT(stopped, HasSubstr("  stopped\n"));
  EXPECT_THAT(stopped, Not(HasSubstr("no:"))) << "and it goes on from there";
  const std::string eof = said({{0s, "home"}, {20s, "x+400"}, {2s, "show"}});
  EXPECT_THAT(eof, HasSubstr("  stopped\n"));
  EXPECT_LT(took, 30s);
  const std::string ctrl_c = said({{0s, "home"}, {20s, "x+400"}, {100s, "where"}}, 22s);
  EXPECT_THAT(ctrl_c, HasSubstr("  stopped\n"));
  EXPECT_LT(took, 130s);
  const std::string through = said({{0s, "home"}, {20s, "x+400"}, {100s, "where"}});
  EXPECT_THAT(through, AllOf(Not(HasSubstr("stopped")), HasSubstr("x 400.000"))) << "the twin";
}

TEST_F(Teach, WhatABenchCouldNotTakeIsNotStored) {
  const std::string before = read_text(positions);
  const std::string out = said("home\nspeed 500\nz-40\nheight hover\nsave\nquit\nquit!\n");
  EXPECT_EQ(out.find("expected heights in order"), out.npos) << "hover -40 above press -41";
  const std::string wrong = said("home\nspeed 500\nz-45\nheight hover\nsave\nquit\nquit!\n");
  EXPECT_THAT(wrong, AllOf(HasSubstr("expected heights in order"), HasSubstr("no: what was marked is not saved")));
  EXPECT_EQ(code, 1);
  const std::string far = said("home\nspeed 500\ngo 480 250\nkey OK\nsave\nquit!\n");
  EXPECT_THAT(far, HasSubstr("expected a place that no other terminal's region is in the way of"));
}

TEST_F(Teach, NonsenseIsAnsweredAndLosesNothing) {
  Draws draws(9, 0, 0, 1);
  std::string text = "home\nspeed 500\nx+50\nkey OK\n";
  for (int i = 0; i < 200; ++i) {
    for (auto n = draws.below(40); n > 0; --n) {
      const auto c = static_cast<char>(draws.below(255) + 1);
      if (c != '\n') text += c;
    }
    text += '\n';
  }
  text += "x+1e999\nx+nan\nx+\ngo 1\nspeed fast\nforget key NONE\nheight top\nkey\n" + std::string(5000, 'x') +
          "\nshow\nquit!\n";
  const std::string out = said(text);
  EXPECT_THAT(out, HasSubstr("OK = [50, 0]"));
  EXPECT_EQ(code, 1);
}

TEST_F(Teach, ABenchThatCannotBeTaughtSaysSo) {
  const auto refused = [&](const std::string& from, const std::string& to) {
    const std::string file = folder.write("benches/other.toml", replaced(read_text(path), from, to));
    try {
      read_teach_bench(file);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused("positions = \"lab.positions.toml\"", ""), HasSubstr("expected positions = \"NAME.toml\""));
  EXPECT_THAT(refused("positions = \"lab.positions.toml\"", "positions = \"/etc/passwd\""),
              HasSubstr("relative to this one"));
  EXPECT_THAT(refused("max_speed = ", "park_mm = [501, 20]\nmax_speed = "), HasSubstr("within the robot's travel"));
  EXPECT_EQ(refused("max_speed = ", "park_mm = [499, 20]\nmax_speed = "), "");
  EXPECT_EQ(read_teach_bench(folder / "benches/other.toml").bench.robot.park_x_mm, 499);
  EXPECT_EQ(refused("link = \"tcp:supply.lab:5025\"", "link = 7"), "") << "the rest may still be wrong";
  const Said virtual_bench = swiperig(folder, {"teach", folder / "benches/virtual.toml"});
  EXPECT_EQ(virtual_bench.exit_code, 2) << virtual_bench.err;
}

TEST(PositionsFile, ComesBackAsItWasWritten) {
  Positions p;
  p.keys["OK"] = {432.125, 77.9};
  p.keys["odd \"name\""] = {0, 0.5};
  p.cards["debit"] = {100, 200};
  p.heights["press"] = -41.5;
  p.head = {260, 60};
  p.swipe_from = 50.25;
  p.field = ToolPlace{1, 2, -3};
  const std::string text = to_toml(p);
  const Positions back = read_positions(*parse_config(text, "p.toml"));
  EXPECT_EQ(to_toml(back), text);
  EXPECT_EQ(back.keys.at("odd \"name\"").y_mm, 0.5);
  EXPECT_EQ(back.heights.at("press"), -41.5);
  EXPECT_FALSE(back.swipe_to);
}

TEST(PositionsFile, IsReplacedInOneStepOrNotAtAll) {
  const Folder folder;
  const std::string path = folder.write("p.toml", "one\n");
  replace_keeping_old(path, "two\n", 0644);
  EXPECT_EQ(read_text(path), "two\n");
  EXPECT_EQ(read_text(path + ".old"), "one\n");
  replace_keeping_old(path, "three\n", 0644);
  EXPECT_EQ(read_text(path + ".old"), "two\n");
  std::filesystem::create_directory(path + ".new");  // cannot be written there
  EXPECT_THROW(replace_keeping_old(path, "four\n", 0644), std::runtime_error);
  EXPECT_EQ(read_text(path), "three\n");
  EXPECT_EQ(read_text(path + ".old"), "two\n");
}

/// The program itself, its robot on a pseudo-terminal behind the guardian.
TEST(RealtimeTeach, TeachesARobotOnASerialPort) {
  Instruments instruments;
  std::string text = read_text(instruments.bench);
  const auto begin = text.find("[actuator.keys_mm]"), end = text.find("[power]");
  text.erase(begin, end - begin);
  const auto places = text.find("[actuator.places_mm]");
  text.erase(places, text.find("[stand_in]") - places);
  text = replaced(text, "good_card = ", "positions = \"taught.toml\"\ngood_card = ");
  const std::string bench = instruments.folder.write("benches/teach.toml", text);
  instruments.folder.write("teach.in", "home\nspeed 500\ngo 400 120\nz-20\nkey OK\nup\ncard debit\nsave\nquit\n");
  Program program(instruments.folder, {"teach", bench}, "teach");
  EXPECT_EQ(program.wait(60), 0) << program.out() << program.err();
  EXPECT_THAT(program.out(), AllOf(HasSubstr("x 400.000  y 120.000  z -20.000"), HasSubstr("saved: 1 keys, 1 cards")));
  EXPECT_THAT(read_text(instruments.folder / "benches/taught.toml"), HasSubstr("OK = [400, 120]"));
  EXPECT_TRUE(await(5, [&] { return instruments.free(); })) << "no lock is left";
  EXPECT_THAT(robot_says(instruments.tty), HasSubstr("Idle|MPos:400.000,120.000,0.000"))
      << "the guardian moves nothing";
  // it is stopped, or dies, in the middle of a jog of 20 s
  for (const int ends : {SIGINT, SIGKILL}) {
    instruments.folder.write("cut.in", "home\nspeed 10\nx+200\n");
    Program cut(instruments.folder, {"teach", bench}, "cut");
    EXPECT_TRUE(await(60, [&] { return cut.out().find("x 0.000  y 0.000") != std::string::npos; })) << cut.err();
    await(2, [] { return false; });
    cut.signal(ends);
    cut.wait(20);
    EXPECT_TRUE(await(10, [&] { return instruments.free(); })) << "its guardian has ended";
    const std::string stands = robot_says(instruments.tty);
    EXPECT_THAT(stands, AllOf(testing::StartsWith("Idle|MPos:"), HasSubstr(",0.000,0.000"))) << ends;
    EXPECT_THAT(stands, Not(testing::AnyOf(HasSubstr("MPos:0.000"), HasSubstr("MPos:200.")))) << ends;
  }
}

}  // namespace
}  // namespace swiperig
