// The supply stand-in, spoken to in raw SCPI lines (DOMAIN.md 4.2); our driver is not here.
#include "fixtures/supply.hpp"

#include <gtest/gtest.h>

#include "rig/random.hpp"
#include "tests/supply_lab.hpp"

namespace swiperig {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Lab = SupplyLab;

TEST(Supply, AnswersAsScpiSays) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"*IDN?", "SWIPERIG,VIRTUAL SUPPLY,0,1.0"},
      {"*OPC?", "1"},
      {"OUTP?", "0"},
      {"VOLT?", "5.000"},
      {"volt 3.3;volt?", "3.300"},
      {"VOLTAGE 4 V;:VOLTAGE?", "4.000"},
      {"CURR 1.5;CURR?;VOLT?", "1.500;4.000"},
      {"OUTPut:STATe?", "0"},
      {"MEASure:VOLTage:DC?;:MEASure:CURRent?", "0.0000;0.0000"},
      {"MEAS:VOLT?;:OUTP?", "0.0000;0"},
      {"SYST:ERR?", "0,\"No error\""},
      {"VOLT 33;SYST:ERR?", "-222,\"Data out of range\""},
      {"VOLT;SYST:ERR?", "-109,\"Missing parameter\""},
      {"VOLT x;SYST:ERR?", "-104,\"Data type error\""},
      {"VOLT 3 A;SYST:ERR?", "-131,\"Invalid suffix\""},
      {"VOLT nan;SYST:ERR?", "-222,\"Data out of range\""},
      {"OUTP MAYBE;SYST:ERR?", "-224,\"Illegal parameter value\""},
      {"FOO 1;SYST:ERR?", "-113,\"Undefined header\""},
      {"MEAS:VOLT?;OUTP?;:SYST:ERR?", "0.0000;-113,\"Undefined header\""},
      {";;  ;", "(silence)"},
      {"SYSTem:ERRor:NEXT?", "0,\"No error\""},
      {"*RST;VOLT?", "0.000"},
  };
  Lab lab;
  lab.run([&]() -> Task<> {
    for (const auto& [sent, wanted] : table) {
      auto answer = co_await lab.console.ask(sent + "\n", seconds(1));
      EXPECT_EQ(answer, wanted) << sent;
    }
  });
}

TEST(Supply, ErrorsQueueUpOldestFirstAndOverflow) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.send("FOO\nVOLT 99\n");
    auto answer = co_await lab.console.ask("SYST:ERR?\n");
    EXPECT_EQ(answer, "-113,\"Undefined header\"");
    answer = co_await lab.console.ask("SYST:ERR?\n");
    EXPECT_EQ(answer, "-222,\"Data out of range\"");
    for (int i = 0; i < 30; ++i) co_await lab.console.send("FOO\n");
    int entries = 0;
    std::string last;
    for (;;) {
      answer = co_await lab.console.ask("SYST:ERR?\n");
      if (answer.starts_with("0,")) break;
      last = answer;
      ++entries;
    }
    EXPECT_EQ(entries, 16);
    EXPECT_EQ(last, "-350,\"Queue overflow\"");
    co_await lab.console.send("FOO\n*CLS\n");
    answer = co_await lab.console.ask("SYST:ERR?\n");
    EXPECT_EQ(answer, "0,\"No error\"");
  });
}

TEST(Supply, AQueryTakesItsTime) {
  Lab lab;
  lab.run([&]() -> Task<> {
    const Time start = lab.clock.now();
    co_await lab.console.ask("*IDN?\n");
    EXPECT_EQ(lab.clock.now() - start, milliseconds(1));
  });
}

TEST(Supply, TheRailHoldsUpByDrawAndCapacitance) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.send("OUTP ON\n");
    co_await lab.clock.sleep_for(milliseconds(10));
    lab.supply.draw(400);
    EXPECT_NEAR(lab.rail_mv(), 5000, 1);
    auto answer = co_await lab.console.ask("MEAS:VOLT?;CURR?\n");
    EXPECT_EQ(answer, "5.0000;0.4000");
    co_await lab.console.send("OUTP OFF\n");
    co_await lab.clock.sleep_for(microseconds(7900));
    EXPECT_GT(lab.rail_mv(), 3300);
    co_await lab.clock.sleep_for(microseconds(200));
    EXPECT_LT(lab.rail_mv(), 3300);
    // browned out, the terminal draws nothing more and the rail stays up long
    lab.supply.draw(0);
    co_await lab.clock.sleep_for(milliseconds(50));
    EXPECT_GT(lab.rail_mv(), 2900);
    answer = co_await lab.console.ask("MEAS:VOLT?;CURR?\n");
    EXPECT_NEAR(std::stod(answer), lab.rail_mv() / 1000, 0.02);
    EXPECT_EQ(answer.substr(answer.find(';')), ";0.0000");
    co_await lab.clock.sleep_for(seconds(2));
    EXPECT_EQ(lab.rail_mv(), 0);
    answer = co_await lab.console.ask("MEAS:VOLT?\n");
    EXPECT_EQ(answer, "0.0000");
  });
}

TEST(Supply, RisesInItsTimeAndStopsAtItsVoltage) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.send("OUTP ON\n");
    co_await lab.clock.sleep_for(milliseconds(1));
    EXPECT_NEAR(lab.rail_mv(), 2500, 10);
    co_await lab.clock.sleep_for(milliseconds(5));
    EXPECT_NEAR(lab.rail_mv(), 5000, 1);
    EXPECT_EQ(lab.terminal.rails.back().second.slope_mv_per_s, 0);
    // lowered, it drains down to the new voltage and no further
    lab.supply.draw(100);
    co_await lab.console.send("VOLT 4\n");
    co_await lab.clock.sleep_for(milliseconds(5));
    EXPECT_GT(lab.rail_mv(), 4500);
    co_await lab.clock.sleep_for(milliseconds(100));
    EXPECT_NEAR(lab.rail_mv(), 4000, 1);
  });
}

TEST(Supply, SagsAboveItsCurrentLimit) {
  Lab lab;
  lab.run([&]() -> Task<> {
    co_await lab.console.send("CURR 0.5;OUTP ON\n");
    co_await lab.clock.sleep_for(milliseconds(10));
    lab.supply.draw(500);
    co_await lab.clock.sleep_for(milliseconds(10));
    EXPECT_NEAR(lab.rail_mv(), 5000, 1);
    lab.supply.draw(900);
    co_await lab.clock.sleep_for(milliseconds(10));
    EXPECT_LT(lab.rail_mv(), 3000);
    lab.supply.draw(100);
    co_await lab.clock.sleep_for(milliseconds(10));
    EXPECT_NEAR(lab.rail_mv(), 5000, 1);
  });
}

TEST(Supply, ATerminalThatChangesItsDrawWhenToldOfTheRailIsNoLoop) {
  struct Dies final : Contact {
    void rail(RailLine line) override {
      if (supply != nullptr && line.slope_mv_per_s < 0) supply->draw(0);
      ++calls;
    }
    void head(const HeadSignal&) override {}
    void key(std::string_view) override {}
    SupplyFixture* supply = nullptr;
    int calls = 0;
  } terminal;
  VirtualClock clock;
  auto [near, far] = make_pipe(clock);
  SupplyFixture supply(clock, std::move(near), terminal, {});
  Console console(clock, std::move(far));
  terminal.supply = &supply;
  run_with(
      clock, {[&] { return supply.run(); }, [&] { return console.serve(); }},
      [&]() -> Task<> {
        co_await console.send("OUTP ON\n");
        co_await clock.sleep_for(milliseconds(10));
        supply.draw(300);
        co_await console.send("OUTP OFF\n");
        co_await clock.sleep_for(seconds(3));
        auto answer = co_await console.ask("MEAS:VOLT?\n");
        EXPECT_EQ(answer, "0.0000");
      },
      [&] {
        supply.stop();
        console.close();
      });
  EXPECT_LT(terminal.calls, 10);
}

TEST(Supply, SurvivesAnyBytes) {
  Lab lab;
  lab.run([&]() -> Task<> {
    Draws draws(3, 0, 0, 1);
    for (int i = 0; i < 2000; ++i) {
      std::string noise;
      for (int k = 0; k < 40; ++k) {
        const auto c = static_cast<char>(draws.below(256));
        noise += c;
      }
      co_await lab.console.send(noise);
    }
    co_await lab.console.send(std::string(5000, 'A') + "\n*CLS\n");
    co_await lab.clock.sleep_for(seconds(10));
    for (;;) {
      auto line = co_await lab.console.line(milliseconds(100));
      if (line == "(silence)") break;
    }
    auto answer = co_await lab.console.ask("*IDN?\n");
    EXPECT_TRUE(answer.starts_with("SWIPERIG,")) << answer;
    co_await lab.console.send(std::string(5000, 'A') + "\n");
    answer = co_await lab.console.ask("SYST:ERR?\n");
    EXPECT_EQ(answer, "-363,\"Input buffer overrun\"");
  });
}

}  // namespace
}  // namespace swiperig
