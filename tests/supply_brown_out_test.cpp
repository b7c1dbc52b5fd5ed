// Brown-outs through the SCPI driver: how low, how long and how steep the rail really was at the fixture, and what
// becomes of a supply that is too slow, does not go down, rises by itself or does not come back. And the terminal's
// second rail, without which nothing is off.
#include <gtest/gtest.h>

#include "drivers/supply_scpi.hpp"
#include "fixtures/supply.hpp"
#include "tests/console.hpp"
#include "tests/failure_of.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

ScpiSettings of_a_terminal() {
  ScpiSettings s;
  s.off_below_mv = 3300;
  return s;
}

/// Driver, fixture, and between them a line that can be slow or lie.
struct Desk {
  explicit Desk(ScpiSettings settings = of_a_terminal(), SupplySettings supply = {})
      : Desk(make_pipe(clock), make_pipe(clock), settings, supply) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return fixture.run(); }, [&] { return driver.serve(); }, [&] { return carry(); }},
             std::move(test), [&] {
               driver.close();
               fixture.stop();
               to_driver->close(Close::fin);
               to_fixture->close(Close::fin);
             });
  }
  /// The driver's lines one by one, and what is answered to each.
  Task<> carry() {
    Crew crew(clock);
    crew.start(upward());
    std::array<std::uint8_t, 256> buffer;
    std::string partial;
    try {
      for (;;) {
        const std::size_t n = co_await to_driver->read_some(buffer);
        if (n == 0) break;
        for (std::size_t i = 0; i < n; ++i) {
          partial += static_cast<char>(buffer[i]);
          if (buffer[i] != '\n') continue;
          const std::string line = std::exchange(partial, {});
          if (slow.count() != 0) co_await clock.sleep_for(slow);
          if (deaf && line.starts_with("VOLT ")) continue;
          co_await to_fixture->write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
        }
      }
    } catch (const LinkError&) {
    }
    co_await crew.join();
  }
  Task<> upward() {
    std::array<std::uint8_t, 256> buffer;
    try {
      for (;;) {
        const std::size_t n = co_await to_fixture->read_some(buffer);
        if (n == 0) break;
        co_await to_driver->write({buffer.data(), n});
      }
    } catch (const LinkError&) {
    }
  }
  std::function<void(Reading)> note() {
    return [this](Reading r) { seen.emplace_back(clock.now(), r); };
  }
  /// When the rail, as the terminal has it, was first below this, and when above it again; never: it was not.
  std::pair<Time, Time> below(double level_mv) const {
    Time down = never, up = never;
    for (std::size_t i = 0; i < terminal.rails.size(); ++i) {
      const auto& [at, line] = terminal.rails[i];
      const Time end = i + 1 < terminal.rails.size() ? terminal.rails[i + 1].first : clock.now();
      for (Time t = at; t < end; t += 100us) {
        const double s = std::chrono::duration<double>(t - at).count();
        const bool low = static_cast<double>(line.mv) + static_cast<double>(line.slope_mv_per_s) * s < level_mv;
        if (low && down == never) down = t;
        if (!low && down != never && up == never) up = t;
      }
    }
    return {down, up};
  }

  VirtualClock clock;
  TouchedTerminal terminal{clock};
  std::unique_ptr<Link> to_driver, to_fixture;
  SupplyFixture fixture;
  SupplyScpi driver;
  std::vector<std::pair<Time, Reading>> seen;
  Duration slow{};
  bool deaf = false;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  Desk(Pipe near, Pipe far, ScpiSettings settings, SupplySettings supply)
      : to_driver(std::move(near.first)),
        to_fixture(std::move(far.first)),
        fixture(clock, std::move(far.second), terminal, supply),
        driver(clock, std::move(near.second), settings) {}
};

/// On, and drawing what a terminal at work draws.
Task<> at_work(Desk& desk) {
  co_await desk.driver.start();
  co_await desk.driver.set({true});
  desk.fixture.draw(400);
  co_await desk.clock.sleep_for(50ms);
  desk.terminal.rails.erase(desk.terminal.rails.begin(), desk.terminal.rails.end() - 1);
}

TEST(SupplyBrownOut, IsAsDeepAndAsLongAsItWasTold) {
  for (const Duration lasts : {Duration(20ms), Duration(80ms), Duration(500ms)}) {
    Desk desk;
    desk.run([&]() -> Task<> {
      co_await at_work(desk);
      const BrownOut dip{3100, lasts};
      co_await desk.driver.brown_out(dip, desk.note());
      co_await desk.clock.sleep_for(10ms);
      const auto [down, up] = desk.below(3131);
      EXPECT_GE(up - down, lasts);
      EXPECT_LT(up - down, lasts + 15ms) << "measured every few milliseconds";
      EXPECT_EQ(desk.below(3095).first, never) << "no deeper than asked";
      EXPECT_GE(desk.seen.size(), 2u);
      EXPECT_LT(desk.seen.front().second.rail_mv, 3300) << "the crossing of the terminal's level comes first";
      EXPECT_LT(desk.seen.front().first - desk.below(3300).first, 12ms) << "and when it was measured";
      EXPECT_GT(desk.seen.back().second.rail_mv, 4500) << "that it is back comes last";
      auto after = co_await desk.driver.read();
      EXPECT_EQ(after.rail_mv, 5000);
    });
  }
}

TEST(SupplyBrownOut, FallsAndRisesInItsTime) {
  Desk desk;
  desk.run([&]() -> Task<> {
    co_await at_work(desk);
    const Time begun = desk.clock.now();
    const BrownOut dip{3000, 100ms, 200ms, 100ms, 4};
    co_await desk.driver.brown_out(dip, desk.note());
    // steps of 500 mV at 50, 100, 150 and 200 ms
    EXPECT_NEAR(std::chrono::duration<double>(desk.below(4510).first - begun).count(), 0.053, 0.004);
    EXPECT_NEAR(std::chrono::duration<double>(desk.below(3510).first - begun).count(), 0.153, 0.004);
    EXPECT_NEAR(std::chrono::duration<double>(desk.below(3010).first - begun).count(), 0.203, 0.004);
    // the last of the way back at its end
    const auto [down, up] = desk.below(4990);
    EXPECT_GT(up - begun, 300ms + 90ms);
    EXPECT_LT(up - begun, 300ms + 120ms);
  });
}

TEST(SupplyBrownOut, ASupplyThatIsTooSlowForItIsAnError) {
  for (const Duration slow : {Duration(1ms), Duration(30ms)}) {
    Desk desk;
    desk.run([&]() -> Task<> {
      co_await at_work(desk);
      desk.slow = slow;
      const BrownOut dip{3000, 100ms, 200ms, 0ms, 10};
      auto why = co_await failure_of(desk.driver.brown_out(dip, desk.note()));
      if (slow < 20ms) {
        EXPECT_EQ(why, "");
      } else {
        EXPECT_NE(why.find("slower than its command_time of 20 ms"), std::string::npos) << why;
      }
    });
  }
}

TEST(SupplyBrownOut, ARailThatDoesNotGoDownIsAnErrorAndRestBringsItBack) {
  Desk desk;
  desk.run([&]() -> Task<> {
    co_await at_work(desk);
    desk.deaf = true;
    const BrownOut dip{3000, 100ms};
    auto why = co_await failure_of(desk.driver.brown_out(dip, desk.note()));
    EXPECT_NE(why.find("is to be at 3.000 V, and its rail is not after 2 s"), std::string::npos) << why;
    EXPECT_TRUE(desk.seen.empty()) << "nothing was measured that is not so";
  });
}

TEST(SupplyBrownOut, CutShortLeavesAVoltageThatTheNextSwitchOnCorrects) {
  ScpiSettings settings = of_a_terminal();
  settings.settle_limit = 10ms;
  settings.command_time = 1ms;
  Desk desk(settings);
  desk.run([&]() -> Task<> {
    co_await at_work(desk);
    desk.fixture.draw(0);  // nothing discharges the output in so short a time
    const BrownOut dip{3000, 100ms};
    auto why = co_await failure_of(desk.driver.brown_out(dip, desk.note()));
    EXPECT_NE(why, "");
    desk.fixture.draw(400);
    co_await desk.clock.sleep_for(50ms);
    auto low = co_await desk.driver.read();
    EXPECT_EQ(low.rail_mv, 3000) << "the twin: without a correction it stays low";
    auto back = co_await desk.driver.set({true});
    EXPECT_GT(back.rail_mv, 4500);
  });
}

TEST(SupplyBrownOut, WhatItCannotDoIsRefusedBeforeAByteIsSent) {
  Desk desk;
  desk.run([&]() -> Task<> {
    co_await at_work(desk);
    const BrownOut dip{3105, 100ms};
    auto why = co_await failure_of(desk.driver.brown_out(dip, desk.note()));
    EXPECT_NE(why.find("refused: a brown-out to 3105 mV is finer"), std::string::npos) << why;
    EXPECT_EQ(desk.terminal.rails.size(), 1u);
  });
}

TEST(SupplySecondRail, NothingIsOffWhileTheOtherRailIsUp) {
  for (const std::int64_t battery_mv : {std::int64_t{3700}, std::int64_t{0}}) {
    ScpiSettings settings = of_a_terminal();
    settings.second_rail_channel = 2;
    SupplySettings supply;
    supply.second_rail_mv = battery_mv;
    Desk desk(settings, supply);
    desk.run([&]() -> Task<> {
      co_await at_work(desk);
      auto why = co_await failure_of(desk.driver.set({false}));
      if (battery_mv == 0) {
        EXPECT_EQ(why, "");
      } else {
        EXPECT_NE(why.find("says off, rail still 3.700 V"), std::string::npos) << why;
        desk.fixture.second_rail(0);  // taken out
        auto off = co_await desk.driver.set({false});
        EXPECT_LT(off.rail_mv, 3300);
      }
    });
  }
}

TEST(SupplySecondRail, AChannelThatIsNotThereIsAnError) {
  ScpiSettings settings = of_a_terminal();
  settings.second_rail_channel = 2;
  Desk desk(settings);
  desk.run([&]() -> Task<> {
    co_await desk.driver.start();
    auto why = co_await failure_of(desk.driver.read());
    EXPECT_NE(why.find("no answer to MEAS:VOLT? (@2)"), std::string::npos) << why;
  });
}

}  // namespace
}  // namespace swiperig
