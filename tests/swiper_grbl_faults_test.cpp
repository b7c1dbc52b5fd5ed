// The GRBL driver against controllers that fail in the ways of FAULTS.md F11 to F19.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <set>

#include "drivers/swiper_grbl.hpp"
#include "rig/random.hpp"
#include "tests/console.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A controller whose behaviour a test writes. By default every line is ok, `$$` and `?` are answered as they should,
/// and motion takes no time but what the feed says.
struct Peer {
  explicit Peer(GrblSettings settings = taught()) : Peer(make_pipe(clock), std::move(settings)) {}
  void run(std::function<Task<>()> test) {
    console.realtime = "?!~\x18";
    run_with(clock, {[&] { return driver.serve(); }, [&] { return console.serve(); }, [&] { return obey(); }},
             std::move(test), [&] {
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
      return "$13=0\r\n$20=1\r\n$22=1\r\n$110=150000\r\n$111=150000\r\n$112=30000\r\n"
             "$120=15000.000\r\n$121=15000.000\r\n$122=5000.000\r\n"
             "$130=520.0\r\n$131=300.0\r\n$132=60.0\r\nok";
    }
    if (line.starts_with("G53 G1")) {
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

TEST(SwiperGrblFaults, AHonestPeerIsBelieved) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    auto done = co_await peer.driver.perform(a_swipe(500));
    EXPECT_NEAR(static_cast<double>(done.speed_mm_s), 500, 2);
    auto why = co_await failure_of(peer.driver.perform(a_press("1 OK")));
    EXPECT_EQ(why, "");
  });
}

TEST(SwiperGrblFaults, SilenceAtTheStartEndsInTime) {
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

TEST(SwiperGrblFaults, F11ADeviceThatNeverSpeaksIsNoController) {
  VirtualClock clock;
  auto [near, far] = make_pipe(clock);
  SwiperGrbl driver(clock, std::move(near), taught());
  Console console(clock, std::move(far));
  run_with(
      clock, {[&] { return driver.serve(); }, [&] { return console.serve(); }},
      [&]() -> Task<> {
        auto why = co_await failure_of(driver.start());
        EXPECT_TRUE(says(why, "no GRBL banner within 2 s of a reset; look at the baud rate in its link")) << why;
      },
      [&] {
        driver.close();
        console.close();
      });
}

TEST(SwiperGrblFaults, F13F15F18EveryLineOfASwipeMayFailAndNeverHangs) {
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
  for (const auto& failure : failures) {
    const std::string& said = failure.first;
    const std::string& wanted = failure.second;
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

TEST(SwiperGrblFaults, F16AWrongBaudRateIsToldWithWhatToLookAt) {
  const std::pair<const char*, const char*> rows[] = {
      {"\xf8\x80\n\xff\x1c\n\xe0\n\x9c\n\xfe\n\x86\n\xc0\n\x18\x9f\n\xf0\n\x99", "does not speak GRBL: '"},
      {"\xf8\x80\xff", "no GRBL banner within 2 s"}};
  for (const auto& [garbage, wanted] : rows) {
    VirtualClock clock;
    auto [near, far] = make_pipe(clock);
    SwiperGrbl driver(clock, std::move(near), taught());
    Console console(clock, std::move(far));
    run_with(
        clock, {[&] { return driver.serve(); }, [&] { return console.serve(); }},
        [&, text = std::string(garbage), says_so = std::string(wanted)]() -> Task<> {
          co_await console.send(text + "\n");
          auto why = co_await failure_of(driver.start());
          EXPECT_TRUE(says(why, says_so)) << why;
          EXPECT_TRUE(
              says(why, "look at the baud rate in its link (GRBL 1.1: 115200), at what else has its port open,"))
              << why;
          EXPECT_TRUE(says(why, "and at its power")) << why;
        },
        [&] {
          driver.close();
          console.close();
        });
  }
}

/// All that is asked of it is done, and only status queries get no answer: every one of a swipe is swallowed in turn.
TEST(SwiperGrblFaults, F18AControllerThatSwallowsStatusQueriesOnlyNeverCountsAsDone) {
  int failed = 0;
  for (int n = 1; n < 40; ++n) {
    GrblSettings settings = taught();
    settings.card_sensor = false;
    Peer peer(settings);
    bool swiped = false;
    peer.run([&]() -> Task<> {
      co_await peer.driver.start();
      int queries = 0;
      peer.answer = [&](const std::string& line) -> std::string { return line == "?" && ++queries == n ? "" : "-"; };
      const Time begun = peer.clock.now();
      auto why = co_await failure_of(peer.driver.perform(a_swipe()));
      swiped = why.empty();
      if (swiped) co_return;
      ++failed;
      EXPECT_TRUE(says(why, "no answer to a status query")) << n << ": " << why;
      EXPECT_LT(peer.clock.now() - begun, seconds(30));
      peer.log.clear();
      why = co_await failure_of(peer.driver.perform(a_swipe()));
      EXPECT_TRUE(says(why, "position unknown (no answer to a status query")) << why;
      EXPECT_EQ(peer.log, "") << "nothing moves";
      why = co_await failure_of(peer.driver.perform(Park{}));
      EXPECT_EQ(why, "");
      why = co_await failure_of(peer.driver.perform(a_swipe()));
      EXPECT_EQ(why, "") << "homed again it goes on";
    });
    if (swiped) break;
  }
  EXPECT_GE(failed, 2) << "after the pass and at the end";
}

TEST(SwiperGrblFaults, F18WithoutAnyStatusNothingBegins) {
  for (const bool mute : {true, false}) {
    Peer peer;
    bool swallows = mute;
    peer.answer = [&](const std::string& line) -> std::string { return line == "?" && swallows ? "" : "-"; };
    peer.run([&]() -> Task<> {
      auto why = co_await failure_of(peer.driver.start());
      EXPECT_EQ(says(why, "no answer to a status query after homing"), mute) << why;
      if (mute) co_return;
      swallows = true;
      why = co_await failure_of(peer.driver.jog({10, 10, 0}, 50));
      EXPECT_TRUE(says(why, "no answer to a status query in a jog")) << why;
    });
  }
}

TEST(SwiperGrblFaults, ASlowedSwipeIsNotCountedAsASwipe) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    peer.slowness = 0.9;
    auto why = co_await failure_of(peer.driver.perform(a_swipe(500)));
    EXPECT_TRUE(says(why, "held or slowed")) << why;
  });
}

TEST(SwiperGrblFaults, AWrongPlaceAfterTheMotionIsAnError) {
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

TEST(SwiperGrblFaults, ASettingThatIsNotAsNeededIsToldWithWhatToDo) {
  const struct {
    const char *setting, *to, *wanted;
  } rows[] = {{"$13=0", "$13=1", "its reports are in inches ($13=1): set $13=0"},
              {"$20=1", "$20=0", "its soft limits are off ($20=0): set $20=1"},
              {"$22=1", "$22=0", "its homing is off ($22=0): set $22=1"},
              {"$22=1", "$23=1", "does not tell its setting $22"},
              {"$120=15000", "$120=149", "its X acceleration ($120=149.000) is below the bench's 15000.000"},
              {"$121=15000.000", "$121=0.000001", "its Y acceleration ($121=0.000) is below the rig's least"},
              {"$122=5000", "$122=9", "its Z acceleration ($122=9.000) is below the rig's least of 10.000"},
              {"$121=15000.000", "$121=10", ""},
              {"$13=0", "$13=0", ""}};
  for (const auto& row : rows) {
    Peer peer;
    peer.answer = [&](const std::string& line) -> std::string {
      if (line != "$$") return "-";
      std::string all = peer.honest(line);
      return all.replace(all.find(row.setting), std::string_view(row.setting).size(), row.to);
    };
    peer.run([&]() -> Task<> {
      const Time begun = peer.clock.now();
      auto why = co_await failure_of(peer.driver.start());
      EXPECT_TRUE(*row.wanted == 0 ? why.empty() : says(why, row.wanted)) << row.to << ": " << why;
      EXPECT_EQ(says(peer.log, "$H"), why.empty()) << "nothing moves";
      EXPECT_LE(peer.clock.now() - begun, seconds(5));
    });
  }
}

TEST(SwiperGrblFaults, APlaceOutsideTheTravelAfterHomingIsNoFrame) {
  const struct {
    const char *place, *wanted;
  } rows[] = {{"-519.000,-299.000,-1.000", "says after homing that it is at -519.000, -299.000, -1.000, outside the"},
              {"-2.000,-2.000,-2.000", "HOMING_FORCE_SET_ORIGIN"},
              {"0.000,0.000,1.000", "Z down from 0 at the top"},
              {"0.000,-0.100,0.000", "outside the travel of 520 x 300 x 60 mm"},
              {"521.000,0.000,0.000", "outside the travel"},
              {"-0.010,0.000,0.010", ""},
              {"1.000,1.000,-1.000", ""}};
  for (const auto& row : rows) {
    Peer peer;
    peer.answer = [&](const std::string& line) -> std::string {
      return line == "?" ? std::string("<Idle|MPos:") + row.place + "|FS:0,0>" : "-";
    };
    peer.run([&]() -> Task<> {
      auto why = co_await failure_of(peer.driver.start());
      EXPECT_TRUE(*row.wanted == 0 ? why.empty() : says(why, row.wanted)) << row.place << ": " << why;
      peer.log.clear();
      why = co_await failure_of(peer.driver.perform(a_press("1")));
      EXPECT_EQ(says(peer.log, "G53"), *row.wanted == 0) << why;
    });
  }
}

TEST(SwiperGrblFaults, AStatusWithoutAMachinePositionIsToldAsSuch) {
  Peer peer;
  peer.answer = [](const std::string& line) -> std::string {
    return line == "?" ? "<Idle|WPos:0.000,0.000,0.000|FS:0,0>" : "-";
  };
  peer.run([&]() -> Task<> {
    auto why = co_await failure_of(peer.driver.start());
    EXPECT_TRUE(says(why, "its status tells no machine position, set $10=1")) << why;
  });
}

TEST(SwiperGrblFaults, F12F15ARestartBetweenMotionsIsNoticed) {
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

TEST(SwiperGrblFaults, F17AFeedHoldInTheSwipeIsToldAsSuch) {
  Peer peer;
  peer.run([&]() -> Task<> {
    co_await peer.driver.start();
    bool held = false;
    // an operator's hand on the hold button while the card is under way
    peer.answer = [&](const std::string& line) -> std::string {
      held = held || line.starts_with("G53 G1 X470");
      if (!held) return "-";
      return line.starts_with("G4") ? "" : line == "?" ? "<Hold:0|MPos:250.000,60.000,-31.000|FS:0,0>" : "-";
    };
    auto why = co_await failure_of(peer.driver.perform(a_swipe()));
    EXPECT_TRUE(says(why, "it says Hold:0")) << why;
  });
}

TEST(SwiperGrblFaults, F14NothingSentEverLeavesTheEnvelope) {
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
        // in the machine's coordinates, each of them
        EXPECT_EQ(line.find_first_of("XYZ") != std::string::npos, line.starts_with("G53 G1 ")) << line;
        if (!line.starts_with("G53 G1")) return "-";
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

TEST(GrblLine, EveryErrorAndAlarmHasANameOfItsOwn) {
  std::set<std::string> names;
  const auto name = [](const std::string& words) { return words.substr(words.find(": ") + 2); };
  const std::string none = name(words_of_error(0));
  for (int n = 1; n <= 38; ++n) {
    const std::string words = words_of_error(n);
    EXPECT_TRUE(words.starts_with("error " + std::to_string(n) + ": ")) << words;
    // 1.1 has given two numbers to nobody
    EXPECT_EQ(name(words) == none, n == 18 || n == 19) << words;
    EXPECT_TRUE(n == 19 || names.insert(name(words)).second) << words;
  }
  for (int n = 1; n <= 10; ++n) {
    EXPECT_NE(name(words_of_alarm(n)), none) << n;
    EXPECT_TRUE(names.insert(name(words_of_alarm(n))).second) << n;
  }
  for (const int n : {-1, 39, 1000}) EXPECT_EQ(name(words_of_error(n)), none);
  for (const int n : {-1, 0, 11}) EXPECT_EQ(name(words_of_alarm(n)), none);
  EXPECT_EQ(words_of_error(33), "error 33: bad target");
  EXPECT_EQ(words_of_alarm(3), "alarm 3: reset in motion, position lost");
}

TEST(GrblLine, AnyIsParsed) {
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
