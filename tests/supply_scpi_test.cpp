// The SCPI driver against the supply fixture, and against supplies that lie, stay silent, or never stop complaining.
#include "drivers/supply_scpi.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "fixtures/supply.hpp"
#include "tests/console.hpp"
#include "tests/failure_of.hpp"

namespace swiperig {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Driver and fixture.
struct Bench {
  explicit Bench(ScpiSettings settings = {}) : Bench(make_pipe(clock), settings) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return fixture.run(); }, [&] { return driver.serve(); }}, std::move(test), [&] {
      fixture.stop();
      driver.close();
    });
  }
  VirtualClock clock;
  TouchedTerminal terminal{clock};
  SupplyFixture fixture;
  SupplyScpi driver;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Bench(Pipe pipe, ScpiSettings settings)
      : fixture(clock, std::move(pipe.first), terminal, SupplySettings{}),
        driver(clock, std::move(pipe.second), settings) {}
};

/// Driver and a supply whose answers a test writes. By default it obeys; `answer` may overrule.
struct Liar {
  explicit Liar(ScpiSettings settings = {}) : Liar(make_pipe(clock), settings) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return driver.serve(); }, [&] { return peer.serve(); }, [&] { return obey(); }},
             std::move(test), [&] {
               driver.close();
               peer.close();
             });
  }
  Task<> obey() {
    for (;;) {
      auto line = co_await peer.line(std::chrono::hours(10));
      if (line == "(closed)" || line == "(silence)") co_return;
      log += line + "\n";
      std::string said = "-";
      if (answer) said = answer(line);
      if (said == "-") said = honest(line);
      if (said.empty()) continue;
      if (late > Duration{}) co_await clock.sleep_for(late);
      if (peer.closed()) co_return;
      co_await peer.send(said + "\n");
    }
  }
  std::string honest(const std::string& line) {
    if (line == "OUTP ON") on = true;
    if (line == "OUTP OFF") on = false;
    if (line == "*IDN?") return "MAKER,MODEL,1,2";
    if (line == "VOLT?") return "5.0";
    if (line == "CURR?") return "2.0";
    if (line == "OUTP?") return on ? "ON" : "OFF";
    if (line == "MEAS:VOLT?") return on ? "+5.001E+00" : "+1.2E-02";
    if (line == "MEAS:CURR?") return on ? "4.0E-01" : "0";
    if (line == "SYST:ERR?") return "+0,\"No error\"";
    return "";
  }
  VirtualClock clock;
  SupplyScpi driver;
  Console peer;
  std::function<std::string(const std::string&)> answer;
  Duration late{};
  bool on = false;
  std::string log;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Liar(Pipe pipe, ScpiSettings settings)
      : driver(clock, std::move(pipe.first), settings), peer(clock, std::move(pipe.second)) {}
};

TEST(SupplyScpi, SwitchesAndProvesIt) {
  ScpiSettings settings;
  settings.off_below_mv = 3300;
  Bench bench(settings);
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    auto on = co_await bench.driver.set({true});
    EXPECT_GT(on.rail_mv, 4500);
    bench.fixture.draw(400);
    co_await bench.clock.sleep_for(milliseconds(10));
    auto reading = co_await bench.driver.read();
    EXPECT_EQ(reading.rail_mv, 5000);
    EXPECT_EQ(reading.draw_ma, 400);
    const Time start = bench.clock.now();
    auto off = co_await bench.driver.set({false});
    // physics says 8 ms to 3.3 V; the driver looks every 5 ms and each look takes 2
    EXPECT_LT(off.rail_mv, 3300);
    EXPECT_GT(bench.clock.now() - start, milliseconds(8));
    EXPECT_LT(bench.clock.now() - start, milliseconds(20));
  });
}

TEST(SupplyScpi, KeepsItOffForTheMinimumTime) {
  const auto pause = [](Duration waits, Duration min_off) {
    ScpiSettings settings;
    settings.min_off = min_off;
    Bench bench(settings);
    Duration dark{};
    bench.run([&]() -> Task<> {
      co_await bench.driver.start();
      co_await bench.driver.set({true});
      bench.fixture.draw(400);
      co_await bench.driver.set({false});
      const Time proved = bench.clock.now();
      co_await bench.clock.sleep_for(waits);
      co_await bench.driver.set({false});
      co_await bench.driver.set({true});
      for (const auto& [at, line] : bench.terminal.rails) {
        if (line.slope_mv_per_s > 0) dark = at - proved;
      }
    });
    return dark;
  };
  EXPECT_GE(pause(milliseconds(1), milliseconds(200)), milliseconds(200));
  EXPECT_LT(pause(milliseconds(1), milliseconds(200)), milliseconds(210));
  EXPECT_LT(pause(milliseconds(300), milliseconds(200)), milliseconds(310));
  EXPECT_LT(pause(milliseconds(1), milliseconds(0)), milliseconds(20));
}

TEST(SupplyScpi, OffThatIsNotOffIsAnError) {
  Liar liar;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    co_await liar.driver.set({true});
    liar.answer = [](const std::string& line) -> std::string {
      return line == "MEAS:VOLT?" ? "5.000" : line == "MEAS:CURR?" ? "0.4" : "-";
    };
    const Time start = liar.clock.now();
    auto why = co_await failure_of(liar.driver.set({false}));
    EXPECT_TRUE(says(why, "says off, rail still 5.000 V")) << why;
    EXPECT_GE(liar.clock.now() - start, seconds(2));
    EXPECT_LT(liar.clock.now() - start, seconds(3));
    liar.answer = nullptr;
    auto reading = co_await liar.driver.set({false});
    EXPECT_EQ(reading.rail_mv, 12);
  });
}

TEST(SupplyScpi, WhatWasSwitchedOffStaysSoThoughThatWasNotProved) {
  Liar liar;
  std::optional<Time> off, on;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    auto reading = co_await liar.driver.set({true});
    bool complains = true;
    liar.answer = [&](const std::string& line) -> std::string {
      if (line == "OUTP OFF") off = liar.clock.now();
      if (line == "OUTP ON") on = liar.clock.now();
      if (line != "SYST:ERR?" || !complains || !off) return "-";
      complains = false;
      return "-310,\"System error\"";
    };
    auto why = co_await failure_of(liar.driver.set({false}));
    EXPECT_TRUE(says(why, "refused OUTP OFF")) << why;
    reading = co_await liar.driver.set({true});
    EXPECT_GE(on.value() - off.value(), ScpiSettings{}.min_off);
  });
}

TEST(SupplyScpi, OnIsNotProvedByABattery) {
  for (const bool dead : {true, false}) {
    ScpiSettings settings;
    settings.second_rail_channel = 2;
    Liar liar(settings);
    liar.run([&]() -> Task<> {
      co_await liar.driver.start();
      liar.answer = [&](const std::string& line) -> std::string {
        if (line == "MEAS:VOLT? (@2)") return "7.4";
        return dead && line == "MEAS:VOLT?" ? "0.01" : "-";
      };
      auto why = co_await failure_of(liar.driver.set({true}));
      EXPECT_TRUE(dead ? says(why, "says on, rail only 0.010 V") : why.empty()) << why;
    });
  }
}

TEST(SupplyScpi, OnThatIsNotOnIsAnError) {
  Liar liar;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    liar.answer = [](const std::string& line) -> std::string { return line == "MEAS:VOLT?" ? "2.1" : "-"; };
    auto why = co_await failure_of(liar.driver.set({true}));
    EXPECT_TRUE(says(why, "is to be on, says on, rail only 2.100 V")) << why;
  });
}

TEST(SupplyScpi, NotANumberIsNeverOff) {
  for (const std::string lie : {"", "OFF", "nan", "inf", "-", "0.0x", "0.0 V", "1e99", "\x01\x02"}) {
    Liar liar;
    liar.run([&]() -> Task<> {
      co_await liar.driver.start();
      co_await liar.driver.set({true});
      liar.answer = [&](const std::string& line) -> std::string {
        // "-" alone means honest here
        return line == "MEAS:VOLT?" ? (lie == "-" ? "- " : lie) : "-";
      };
      auto why = co_await failure_of(liar.driver.set({false}));
      EXPECT_NE(why, "") << lie;
    });
  }
}

TEST(SupplyScpi, F24AnErrorQueueWithoutEndIsBounded) {
  Liar liar;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    liar.log.clear();
    liar.answer = [](const std::string& line) -> std::string {
      return line == "SYST:ERR?" ? "-310,\"System error\"" : "-";
    };
    auto why = co_await failure_of(liar.driver.set({false}));
    EXPECT_TRUE(says(why, "does not end")) << why;
    EXPECT_TRUE(says(why, "-310")) << why;
    EXPECT_LT(std::count(liar.log.begin(), liar.log.end(), '\n'), 40);
  });
}

TEST(SupplyScpi, ARefusedCommandIsToldInTheSuppliesWords) {
  Liar liar;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    int errors = 2;
    liar.answer = [&](const std::string& line) -> std::string {
      if (line != "SYST:ERR?" || errors == 0) return "-";
      --errors;
      return errors == 1 ? "-221,\"Settings conflict\"" : "-222,\"Data out of range\"";
    };
    auto why = co_await failure_of(liar.driver.set({true}));
    EXPECT_TRUE(says(why, "refused OUTP ON: -221,\"Settings conflict\"")) << why;
    auto reading = co_await liar.driver.set({true});
    EXPECT_EQ(reading.rail_mv, 5001);
  });
}

TEST(SupplyScpi, SilenceEnds) {
  Liar liar;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    liar.answer = [](const std::string&) { return std::string(); };
    const Time start = liar.clock.now();
    auto why = co_await failure_of(liar.driver.read());
    EXPECT_TRUE(says(why, "no answer to MEAS:CURR?")) << why;
    EXPECT_EQ(liar.clock.now() - start, seconds(1));
  });
}

/// The driver does not say a command again by itself, whatever became of the first time; a person may.
TEST(SupplyScpi, F25NoCommandIsSaidTwice) {
  const std::vector<std::pair<std::string, std::string>> troubles = {{"SYST:ERR?", ""},
                                                                     {"SYST:ERR?", "-310,\"System error\""},
                                                                     {"MEAS:CURR?", ""},
                                                                     {"MEAS:VOLT?", "?"},
                                                                     {"MEAS:VOLT?", ""}};
  for (const bool on : {false, true}) {
    const std::string command = on ? "OUTP ON\n" : "OUTP OFF\n";
    for (const auto& trouble : troubles) {
      Liar liar;
      const auto said = [&] {
        int times = 0;
        for (auto at = liar.log.find(command); at != liar.log.npos; at = liar.log.find(command, at + 1)) ++times;
        return times;
      };
      liar.run([&]() -> Task<> {
        co_await liar.driver.start();
        liar.log.clear();
        bool once = false;
        liar.answer = [&](const std::string& line) -> std::string {
          if (line != trouble.first || once) return "-";
          once = trouble.first == "SYST:ERR?" && !trouble.second.empty();  // the queue has one error
          return trouble.second;
        };
        auto why = co_await failure_of(liar.driver.set({on}));
        EXPECT_NE(why, "") << command << trouble.first;
        EXPECT_EQ(said(), 1) << command << trouble.first;
        liar.answer = nullptr;
        auto reading = co_await liar.driver.set({on});
        EXPECT_EQ(reading.rail_mv, on ? 5001 : 12);
        EXPECT_EQ(said(), 2) << "the twin: who says it again is heard";
      });
    }
  }
}

TEST(SupplyScpi, ALateAnswerIsNeverTakenForTheNextOne) {
  Liar liar;
  liar.run([&]() -> Task<> {
    co_await liar.driver.start();
    liar.answer = [&](const std::string& line) -> std::string {
      liar.late = line == "MEAS:VOLT?" ? milliseconds(1100) : milliseconds(0);
      return "-";
    };
    auto why = co_await failure_of(liar.driver.set({false}));
    EXPECT_TRUE(says(why, "no answer to MEAS:VOLT?")) << why;
    liar.answer = nullptr;
    liar.late = Duration{};
    // the rail's 12 mV of a while ago are still to come, and mean nothing now
    auto reading = co_await liar.driver.set({true});
    EXPECT_EQ(reading.rail_mv, 5001);
    EXPECT_EQ(reading.draw_ma, 400);
  });
}

TEST(SupplyScpi, IsNotAnyDevice) {
  for (const std::string name : {"ok", "0,\"No error\"", "5.0", "(silence)"}) {
    Liar liar;
    liar.answer = [&](const std::string& line) -> std::string {
      return line != "*IDN?" ? "-" : name == "(silence)" ? "" : name;
    };
    liar.run([&]() -> Task<> {
      auto why = co_await failure_of(liar.driver.start());
      EXPECT_NE(why, "") << name;
    });
  }
}

TEST(SupplyScpi, ASupplyThatKeepsAnotherVoltageIsRefused) {
  Liar liar;
  liar.answer = [](const std::string& line) -> std::string { return line == "VOLT?" ? "12.0" : "-"; };
  liar.run([&]() -> Task<> {
    auto why = co_await failure_of(liar.driver.start());
    EXPECT_TRUE(says(why, "was set to 5.000 V, says 12.000 V")) << why;
  });
}

TEST(SupplyScpi, FloodsAndClosedLinksAreErrors) {
  Liar flood;
  flood.run([&]() -> Task<> {
    co_await flood.driver.start();
    co_await flood.peer.send(std::string(10'000, 'x'));
    co_await flood.clock.sleep_for(milliseconds(1));
    auto why = co_await failure_of(flood.driver.read());
    EXPECT_TRUE(says(why, "sends no lines")) << why;
  });
  Liar card;  // whatever a device says, its card numbers stay out of the message
  card.run([&]() -> Task<> {
    co_await card.driver.start();
    co_await card.peer.send("6212345678901265" + std::string(10'000, 'x'));
    co_await card.clock.sleep_for(milliseconds(1));
    auto why = co_await failure_of(card.driver.read());
    EXPECT_TRUE(says(why, "621234******1265")) << why;
  });
  Liar gone;
  gone.run([&]() -> Task<> {
    co_await gone.driver.start();
    gone.peer.close();
    auto why = co_await failure_of(gone.driver.read());
    EXPECT_TRUE(says(why, "supply: ")) << why;
  });
}

TEST(SupplyScpi, TwoCallersDoNotMix) {
  Bench bench;
  bench.run([&]() -> Task<> {
    co_await bench.driver.start();
    Crew crew(bench.clock);
    int done = 0;
    const auto reader = [&]() -> Task<> {
      for (int i = 0; i < 20; ++i) {
        auto reading = co_await bench.driver.read();
        EXPECT_LE(reading.rail_mv, 5000);
        ++done;
      }
    };
    const auto switcher = [&]() -> Task<> {
      co_await bench.driver.set({true});
      bench.fixture.draw(200);
      co_await bench.driver.set({false});
      ++done;
    };
    crew.start(reader());
    crew.start(switcher());
    crew.start(reader());
    co_await crew.join();
    EXPECT_EQ(done, 41);
  });
}

}  // namespace
}  // namespace swiperig
