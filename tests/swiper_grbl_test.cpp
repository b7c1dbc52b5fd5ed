// The GRBL driver against the robot fixture, and against controllers that fail in the ways of FAULTS.md F11 to F19.
#include "drivers/swiper_grbl.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <span>

#include "fixtures/robot.hpp"
#include "rig/f2f.hpp"
#include "rig/random.hpp"
#include "tests/console.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kTrack2 = ";6212345678901265=30125010000000000?";

Task<std::string> failure_of(Task<> call) {
  std::string why;
  try {
    co_await std::move(call);
  } catch (const EquipmentError& error) {
    why = error.what();
  }
  co_return why;
}
Task<std::string> failure_of(Task<MotionDone> call) {
  std::string why;
  try {
    co_await std::move(call);
  } catch (const EquipmentError& error) {
    why = error.what();
  }
  co_return why;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The map as somebody would teach it on the robot of fixtures/robot_geometry.hpp.
GrblSettings taught() {
  GrblSettings settings;
  const RobotGeometry robot;
  for (const auto& [name, spot] : robot.keys) settings.keys[name] = {spot.x_mm, spot.y_mm};
  for (const auto& [name, spot] : robot.slots) settings.slots[name] = {spot.x_mm, spot.y_mm};
  return settings;
}

Swipe a_swipe(std::int64_t speed_mm_s = 500, bool reverse = false) {
  Swipe swipe;
  swipe.card = "A";
  swipe.speed_mm_s = speed_mm_s;
  swipe.reverse = reverse;
  return swipe;
}

Press a_press(std::string keys) {
  Press press;
  press.keys = std::move(keys);
  return press;
}

/// The driver's end of its cable, with a second hand on it.
struct Tapped final : Link {
  explicit Tapped(std::shared_ptr<Link> cable) : inner(std::move(cable)) {}
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return inner->read_some(into); }
  Task<> write(std::span<const std::uint8_t> bytes) override { return inner->write(bytes); }
  void close(Close how) override { inner->close(how); }
  std::shared_ptr<Link> inner;
};

struct Bench {
  explicit Bench(RobotGeometry geometry = {}, GrblSettings settings = taught())
      : Bench(make_pipe(clock), std::move(geometry), std::move(settings)) {}
  void run(std::function<Task<>()> test) {
    run_with(
        clock, {[&] { return robot.run(); }, [&] { return driver.serve(); }}, std::move(test),
        [&] {
          robot.stop();
          driver.close();
        });
  }
  std::string last_read(bool bidirectional) const {
    if (terminal.heads.empty()) return "nothing";
    const auto result = read_track(2, terminal.heads.back().second.at(0).t_ns, bidirectional);
    if (const auto* text = std::get_if<TrackText>(&result)) return text->text;
    return std::string(name(std::get<TrackError>(result).fault));
  }
  VirtualClock clock;
  DrawPlace place;
  TouchedTerminal terminal{clock};
  Robot robot;
  std::shared_ptr<Link> cable;
  SwiperGrbl driver;

  /// Swipes slowly; in mid-swipe somebody else's byte reaches the controller. Returns how the swipe ended.
  Task<std::string> swipe_disturbed_by(std::uint8_t byte) {
    std::string why;
    Crew crew(clock);
    const auto swipe = [&]() -> Task<> {
      auto failure = co_await failure_of(driver.perform(a_swipe(100)));
      why = failure;
    };
    crew.start(swipe());
    co_await clock.sleep_for(seconds(4));
    co_await cable->write({&byte, 1});
    co_await crew.join();
    co_return why;
  }

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Bench(Pipe pipe, RobotGeometry geometry, GrblSettings settings)
      : robot(clock, std::move(pipe.first), terminal, std::move(geometry), deck(), place),
        cable(std::move(pipe.second)),
        driver(clock, std::make_unique<Tapped>(cable), std::move(settings)) {}
  static std::map<std::string, Card> deck() {
    Card card;
    card.track2 = kTrack2;
    return {{"A", card}};
  }
};

TEST(SwiperGrbl, SwipesBothWaysAtTheSpeedItSays) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    for (const std::int64_t speed : {76, 300, 500, 1000, 1500}) {
      auto done = co_await bench.driver.perform(a_swipe(speed));
      EXPECT_EQ(done.what, "swipe");
      EXPECT_FALSE(done.reverse);
      EXPECT_NEAR(static_cast<double>(done.speed_mm_s), static_cast<double>(speed), static_cast<double>(speed) * 0.01);
      EXPECT_EQ(bench.last_read(false), kTrack2) << speed;
    }
    auto done = co_await bench.driver.perform(a_swipe(500, true));
    EXPECT_TRUE(done.reverse);
    EXPECT_NE(bench.last_read(false), kTrack2);
    EXPECT_EQ(bench.last_read(true), kTrack2);
    EXPECT_EQ(bench.terminal.heads.size(), 6u);
    co_await bench.driver.perform(a_swipe(2000));
    EXPECT_EQ(bench.terminal.heads.size(), 7u);
    EXPECT_NE(bench.last_read(true), kTrack2);
  });
}

TEST(SwiperGrbl, PressesKeysInOrderAndParks) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto done = co_await bench.driver.perform(a_press("1 2 3 0 0 OK F2"));
    EXPECT_EQ(done.what, "press");
    EXPECT_EQ(bench.terminal.keys, "1 2 3 0 0 OK F2 ");
    done = co_await bench.driver.perform(Park{});
    EXPECT_EQ(done.what, "park");
    co_await bench.driver.perform(a_press("CANCEL 4 5 6 7 8 9 F1 F3 F4"));
    EXPECT_EQ(bench.terminal.keys, "1 2 3 0 0 OK F2 CANCEL 4 5 6 7 8 9 F1 F3 F4 ");
  });
}

TEST(SwiperGrbl, OverlappingMotionsTakeTurns) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    Crew crew(bench.clock);
    const auto perform = [&](Motion motion) -> Task<> { co_await bench.driver.perform(motion); };
    crew.start(perform(a_press("1 2 OK")));
    crew.start(perform(a_swipe()));
    crew.start(perform(a_press("3 4 OK")));
    co_await crew.join();
    EXPECT_EQ(bench.terminal.keys, "1 2 OK 3 4 OK ");
    EXPECT_EQ(bench.last_read(false), kTrack2);
  });
}

TEST(SwiperGrbl, RefusesWhatCannotBeBeforeAByteIsSent) {
  const GrblSettings settings = taught();
  EXPECT_EQ(refusal(settings, a_swipe()), std::nullopt);
  EXPECT_EQ(refusal(settings, a_press("1 OK")), std::nullopt);
  EXPECT_EQ(refusal(settings, Park{}), std::nullopt);
  Swipe other = a_swipe();
  other.card = "Z";
  EXPECT_EQ(refusal(settings, other), "no card slot 'Z' is taught");
  EXPECT_TRUE(says(*refusal(settings, a_swipe(5000)), "is not within 20 to 2500"));
  EXPECT_TRUE(says(*refusal(settings, a_swipe(0)), "is not within"));
  EXPECT_EQ(refusal(settings, a_press("")), "no keys to press");
  EXPECT_EQ(refusal(settings, a_press("1 F9")), "no key 'F9' is taught");
  EXPECT_EQ(refusal(settings, a_press("1 *")), "a key is not taught");
  GrblSettings slow = settings;
  slow.acceleration_mm_s2 = 3000;
  EXPECT_EQ(refusal(slow, a_swipe(500)), std::nullopt);
  EXPECT_TRUE(says(*refusal(slow, a_swipe(1500)), "a run-up of 375.000 mm to 1500 mm/s does not fit"));
  GrblSettings narrow = settings;
  narrow.travel_x_mm = 460;
  EXPECT_EQ(refusal(narrow, a_swipe()), "the swipe line lies outside the travel");
  narrow.travel_x_mm = 410;
  EXPECT_EQ(refusal(narrow, a_press("2")), "a key lies outside the travel");
  GrblSettings upside_down = settings;
  upside_down.hover_z_mm = -45;
  EXPECT_NE(refusal(upside_down, a_press("1")), std::nullopt);
}

TEST(SwiperGrbl, AMachineTooSlowForTheEnvelopeIsRefusedAtStart) {
  RobotGeometry slow;
  slow.max_rate_xy_mm_min = 30'000;
  Bench bench(slow);
  bench.run([&]() -> Task<> {
    auto why = co_await failure_of(bench.driver.start());
    EXPECT_TRUE(says(why, "its X rate ($110=30000.000) is below the bench's 150000.000")) << why;
  });
}

/// A controller whose behaviour a test writes. By default every line is ok, `$$` and `?` are answered as they should,
/// and motion takes no time but what the feed says.
struct Peer {
  explicit Peer(GrblSettings settings = taught()) : Peer(make_pipe(clock), std::move(settings)) {}
  void run(std::function<Task<>()> test) {
    console.realtime = "?!~\x18";
    run_with(
        clock, {[&] { return driver.serve(); }, [&] { return console.serve(); }, [&] { return obey(); }},
        std::move(test),
        [&] {
          driver.close();
          console.close();
        });
  }
  Task<> obey() {
    co_await console.send("\r\nGrbl 1.1h ['$' for help]\r\n[MSG:'$H'|'$X' to unlock]\r\n");
    for (;;) {
      auto line = co_await console.line(std::chrono::hours(10));
      if (line == "(closed)" || line == "(silence)") co_return;
      log += line + "\n";
      std::string said = "-";
      if (answer) said = answer(line);
      if (said == "-") said = honest(line);
      if (line.starts_with("G4")) {
        co_await clock.sleep_for(Duration(static_cast<std::int64_t>(pending_s * 1e9)) + milliseconds(10));
        pending_s = 0;
      }
      if (!said.empty() && !console.closed()) co_await console.send(said + "\r\n");
    }
  }
  std::string honest(const std::string& line) {
    const auto word = [&](char letter, double otherwise) {
      const std::size_t at = line.find(letter);
      return at == std::string::npos ? otherwise : std::stod(line.substr(at + 1));
    };
    char text[96];
    if (line == "?") {
      std::snprintf(text, sizeof text, "<Idle|MPos:%.3f,%.3f,%.3f|FS:0,0>", x, y, z);
      return text;
    }
    if (line == "!" || line == "~") return "";
    if (line == "\x18") return "Grbl 1.1h ['$' for help]";
    if (line == "$H") x = y = z = 0;
    if (line == "$$") {
      return "$110=150000\r\n$111=150000\r\n$112=30000\r\n$120=15000.000\r\n$130=520.0\r\n$131=300.0\r\n$132=60.0\r\nok";
    }
    if (line.starts_with("G1")) {
      const double nx = word('X', x), ny = word('Y', y), nz = word('Z', z), f = word('F', 1) / 60 * slowness;
      const double way = std::hypot(nx - x, ny - y, nz - z);
      pending_s += way < f * f / 15000 ? 2 * std::sqrt(way / 15000) : way / f + f / 15000;
      x = nx;
      y = ny;
      z = nz;
    }
    return "ok";
  }
  VirtualClock clock;
  SwiperGrbl driver;
  Console console;
  std::function<std::string(const std::string&)> answer;
  double x = 0, y = 0, z = 0, pending_s = 0, slowness = 1;
  std::string log;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Peer(Pipe pipe, GrblSettings settings)
      : driver(clock, std::move(pipe.first), std::move(settings)), console(clock, std::move(pipe.second)) {}
};

TEST(SwiperGrbl, AHonestPeerIsBelieved) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    auto done = co_await peer.driver.perform(a_swipe(500));
    EXPECT_NEAR(static_cast<double>(done.speed_mm_s), 500, 2);
    auto why = co_await failure_of(peer.driver.perform(a_press("1 OK")));
    EXPECT_EQ(why, "");
  });
}

TEST(SwiperGrbl, SilenceAtTheStartEndsInTime) {
  Peer peer;
  peer.answer = [](const std::string&) { return std::string(); };
  peer.run([&]() -> Task<> {
    const Time start = peer.clock.now();
    auto why = co_await failure_of(peer.driver.start());
    EXPECT_TRUE(says(why, "no answer to $$")) << why;
    EXPECT_LE(peer.clock.now() - start, seconds(5));
    why = co_await failure_of(peer.driver.perform(a_swipe()));
    EXPECT_TRUE(says(why, "position unknown")) << why;
  });
}

TEST(SwiperGrbl, ADeviceThatNeverSpeaksIsNoController) {
  VirtualClock clock;
  auto [near, far] = make_pipe(clock);
  SwiperGrbl driver(clock, std::move(near), taught());
  Console console(clock, std::move(far));
  run_with(
      clock, {[&] { return driver.serve(); }, [&] { return console.serve(); }},
      [&]() -> Task<> {
        auto why = co_await failure_of(driver.start());
        EXPECT_TRUE(says(why, "no GRBL banner within 2 s of a reset")) << why;
      },
      [&] {
        driver.close();
        console.close();
      });
}

TEST(SwiperGrbl, EveryLineOfASwipeMayFailAndNeverHangs) {
  const std::vector<std::pair<std::string, std::string>> failures = {
      {"ALARM:1", "alarm 1: a limit switch was hit"},
      {"ALARM:2", "alarm 2: the target is outside"},
      {"ALARM:3\r\nGrbl 1.1h ['$' for help]", "alarm 3: reset in motion"},
      {"\r\nGrbl 1.1h ['$' for help]", "restarted in the middle of a motion"},
      {"error:9", "error 9: locked, needs homing"},
      {"", "no answer to a line in time"},
      {std::string(1000, 'U'), "sends no lines"},
      {"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk", "does not speak GRBL"},
  };
  for (const auto& [said, wanted] : failures) {
    int failed_at = 0;
    for (int n = 1; n < 40; ++n) {
      Peer peer;
      bool swiped = false;
      peer.run([&]() -> Task<> {
        co_await peer.driver.start();
        int lines = 0;
        peer.answer = [&](const std::string& line) -> std::string {
          if (line == "?" || line == "!" || line == "\x18" || ++lines != n) return "-";
          return said;
        };
        const Time start = peer.clock.now();
        auto why = co_await failure_of(peer.driver.perform(a_swipe()));
        EXPECT_LT(peer.clock.now() - start, seconds(30));
        swiped = why.empty();
        if (swiped) co_return;
        ++failed_at;
        EXPECT_TRUE(says(why, wanted)) << n << ": " << why;
        why = co_await failure_of(peer.driver.perform(a_swipe()));
        EXPECT_FALSE(why.empty());
        peer.answer = nullptr;
        if (said.size() >= 1000) co_return;
        // parking homes again, and then it goes on
        why = co_await failure_of(peer.driver.perform(Park{}));
        EXPECT_EQ(why, "");
        EXPECT_TRUE(says(peer.log, "\x18\n")) << n;
        why = co_await failure_of(peer.driver.perform(a_swipe()));
        EXPECT_EQ(why, "");
      });
      if (swiped) break;
    }
    EXPECT_GE(failed_at, 15) << wanted;
  }
}

TEST(SwiperGrbl, ASlowedSwipeIsNotCountedAsASwipe) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    peer.slowness = 0.9;
    auto why = co_await failure_of(peer.driver.perform(a_swipe(500)));
    EXPECT_TRUE(says(why, "held or slowed")) << why;
  });
}

TEST(SwiperGrbl, AWrongPlaceAfterTheMotionIsAnError) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    peer.answer = [](const std::string& line) -> std::string {
      return line == "?" ? "<Idle|MPos:1.000,2.000,3.000|FS:0,0>" : "-";
    };
    auto why = co_await failure_of(peer.driver.perform(a_press("1")));
    EXPECT_TRUE(says(why, "says Idle at 1.000, 2.000, 3.000 where Idle at 400.000, 120.000, 0.000")) << why;
  });
}

TEST(SwiperGrbl, ARestartBetweenMotionsIsNoticed) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    co_await peer.console.send("\r\nGrbl 1.1h ['$' for help]\r\n");
    co_await peer.clock.sleep_for(milliseconds(1));
    peer.log.clear();
    auto why = co_await failure_of(peer.driver.perform(a_swipe()));
    EXPECT_TRUE(says(why, "it restarted by itself")) << why;
    EXPECT_EQ(peer.log, "");  // and nothing moved
  });
}

TEST(SwiperGrbl, AFeedHoldInTheSwipeIsToldAsSuch) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    bool held = false;
    // an operator's hand on the hold button while the card is under way
    peer.answer = [&](const std::string& line) -> std::string {
      held = held || line.starts_with("G1 X470");
      if (!held) return "-";
      return line.starts_with("G4") ? "" : line == "?" ? "<Hold:0|MPos:250.000,60.000,-31.000|FS:0,0>" : "-";
    };
    auto why = co_await failure_of(peer.driver.perform(a_swipe()));
    EXPECT_TRUE(says(why, "it says Hold:0")) << why;
  });
}

TEST(SwiperGrbl, AResetInMidSwipeEndsIt) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto why = co_await bench.swipe_disturbed_by(0x18);
    EXPECT_TRUE(says(why, "alarm 3: reset in motion, position lost")) << why;
    EXPECT_NE(bench.last_read(true), kTrack2);
    why = co_await failure_of(bench.driver.perform(a_press("1")));
    EXPECT_TRUE(says(why, "position unknown (alarm 3")) << why;
    EXPECT_EQ(bench.terminal.keys, "");
    co_await bench.driver.perform(Park{});
    co_await bench.driver.perform(a_press("1 5 OK"));
    EXPECT_EQ(bench.terminal.keys, "1 5 OK ");
    // the reset opened the jaws: the card fell, and the robot swipes nothing
    bench.terminal.heads.clear();
    co_await bench.driver.perform(a_swipe());
    EXPECT_TRUE(bench.terminal.heads.empty());
  });
}

TEST(SwiperGrbl, AHoldInMidSwipeEndsIt) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto why = co_await bench.swipe_disturbed_by('!');
    EXPECT_TRUE(says(why, "it says Hold:0")) << why;
    why = co_await failure_of(bench.driver.perform(Park{}));
    EXPECT_EQ(why, "");
  });
}

TEST(SwiperGrbl, NothingSentEverLeavesTheEnvelope) {
  // random maps and motions: whatever is not refused stays inside, as the peer parses it
  Draws draws(17, 0, 0, 1);
  int accepted = 0;
  for (int i = 0; i < 300; ++i) {
    GrblSettings settings = taught();
    const double a = draws.uniform(), b = draws.uniform(), c = draws.uniform(), d = draws.uniform();
    settings.slots["A"] = {a * 700 - 50, b * 400 - 30};
    settings.keys["1"] = {c * 700 - 50, d * 400 - 30};
    const double e = draws.uniform(), f = draws.uniform(), g = draws.uniform();
    settings.swipe_start_x_mm = e * 300 - 50;
    settings.swipe_end_x_mm = 300 + f * 300;
    settings.swipe_z_mm = -g * 70;
    const auto speed = static_cast<std::int64_t>(draws.below(3000));
    Peer peer(settings);
    peer.run([&]() -> Task<> {
      co_await peer.driver.start();
      peer.answer = [&](const std::string& line) -> std::string {
        if (!line.starts_with("G1")) return "-";
        const auto word = [&](char letter) {
          const std::size_t at = line.find(letter);
          return at == std::string::npos ? 0.0 : std::stod(line.substr(at + 1));
        };
        EXPECT_TRUE(word('X') >= 0 && word('X') <= 520 && word('Y') >= 0 && word('Y') <= 300 && word('Z') >= -60 &&
                    word('Z') <= 0 && word('F') <= 150'000)
            << line;
        EXPECT_LE(line.size(), 80u);
        return "-";
      };
      auto why = co_await failure_of(peer.driver.perform(a_swipe(speed)));
      accepted += why.empty();
      EXPECT_TRUE(why.empty() || says(why, "refused: ")) << why;
      why = co_await failure_of(peer.driver.perform(a_press("1")));
      EXPECT_TRUE(why.empty() || says(why, "refused: ")) << why;
    });
  }
  EXPECT_GT(accepted, 20);
  EXPECT_LT(accepted, 280);
}

TEST(SwiperGrbl, AnyLineIsParsed) {
  EXPECT_EQ(parse_grbl("ok").kind, GrblLine::ok);
  EXPECT_EQ(parse_grbl("ok ").kind, GrblLine::garbage);
  EXPECT_EQ(parse_grbl("error:22").number, 22);
  EXPECT_EQ(parse_grbl("error:").kind, GrblLine::garbage);
  EXPECT_EQ(parse_grbl("error:99999999999999").kind, GrblLine::garbage);
  EXPECT_EQ(parse_grbl("$120=15000.000").value, 15000);
  EXPECT_EQ(parse_grbl("$120=nan").kind, GrblLine::garbage);
  const auto status = parse_grbl("<Hold:0|Bf:15,128|MPos:1.5,-2.25,3|FS:0,0>");
  EXPECT_EQ(status.state, "Hold:0");
  EXPECT_TRUE(status.placed);
  EXPECT_EQ(status.y_mm, -2.25);
  EXPECT_FALSE(parse_grbl("<Idle|WPos:1,2,3>").placed);
  EXPECT_EQ(parse_grbl("<Idle|MPos:1,2>").kind, GrblLine::garbage);
  EXPECT_EQ(parse_grbl("").kind, GrblLine::garbage);
  Draws draws(1, 0, 0, 2);
  for (int i = 0; i < 20'000; ++i) {
    std::string line = i % 3 == 0 ? "<" : i % 3 == 1 ? "$" : "";
    const auto length = draws.below(60);
    for (std::uint32_t k = 0; k < length; ++k) {
      const auto c = draws.below(256);
      line += i % 2 == 0 ? static_cast<char>(c) : "0123456789.,-|:MPosIdle=<>$"[c % 27];
    }
    parse_grbl(line);
  }
}

}  // namespace
}  // namespace swiperig
