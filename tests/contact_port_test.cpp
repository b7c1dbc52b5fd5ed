#include "fixtures/contact_port.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "drivers/link_tcp.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/bytes.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

/// Writes down what touches it, and when.
struct Touched final : Contact {
  explicit Touched(Clock& c) : clock(c) {}
  void note(const std::string& what) { seen.push_back(to_text(clock.now().time_since_epoch()) + " " + what); }
  void rail(RailLine line) override {
    note("rail " + std::to_string(line.mv) + " " + std::to_string(line.slope_mv_per_s));
  }
  void head(const HeadSignal& signal) override {
    std::string what = "head";
    for (const TrackSignal& track : signal) {
      what += " " + std::to_string(track.track) + ":";
      for (const std::int64_t t : track.t_ns) what += std::to_string(t) + ",";
    }
    note(what);
  }
  void key(std::string_view name) override {
    if (name == "EXPLODE") throw std::runtime_error("terminal on fire");
    note("key " + std::string(name));
  }
  Clock& clock;
  std::vector<std::string> seen;
};

struct Meter final : DrawListener {
  void draw(std::int64_t ma) override { seen.push_back(ma); }
  std::vector<std::int64_t> seen;
};

using Seen = std::vector<std::string>;

class ContactPorts : public testing::Test {
 protected:
  /// Runs `script` beside the port and the supply, then stops both.
  void run(std::function<Task<>()> script) { clock.run(all(std::move(script))); }
  /// Runs `script` with nothing beside it.
  void alone(std::function<Task<>()> script) { clock.run(script()); }
  Task<> all(std::function<Task<>()> script) {
    Crew crew(clock);
    crew.start(port.run());
    crew.start(supply.run());
    co_await script();
    supply.stop();
    port.stop();
    co_await crew.join();
  }
  /// Sends `text` as a foreign peer does and returns what comes back until 1 s later.
  Task<> talk(std::string text, std::string& answers) {
    auto link = co_await dialer->dial();
    Crew crew(clock);
    crew.start(listen(*link, answers));
    co_await link->write(bytes_of(text));
    co_await clock.sleep_for(1s);
    link->close(Close::fin);
    co_await crew.join();
  }
  Task<> listen(Link& link, std::string& heard) {
    std::array<std::uint8_t, 256> chunk;
    try {
      for (;;) {
        const std::size_t n = co_await link.read_some(chunk);
        if (n == 0) break;
        heard += text_of(std::span(chunk).first(n));
      }
      heard += "|end";
    } catch (const LinkError& e) {
      if (e.kind == LinkError::reset) heard += "|reset";
    }
  }
  /// What the port answers to `text`, after the first draw line.
  std::string answers_to(const std::string& text) {
    std::string answers;
    run([&]() -> Task<> { co_await talk(text, answers); });
    const std::string first = "{\"draw\":{\"ma\":0}}\n";
    EXPECT_TRUE(answers.starts_with(first)) << answers;
    return answers.substr(std::min(first.size(), answers.size()));
  }

  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("contact");
  std::unique_ptr<Dialer> dialer = hub.dialer("contact");
  Touched terminal{clock};
  ContactPort port{clock, *listener, terminal};
  RemoteContact supply{clock, *dialer};
  Meter meter;
};

TEST_F(ContactPorts, CallsArriveAtOnceAndInOrder) {
  run([&]() -> Task<> {
    supply.rail({5000, -250});
    supply.key("OK");
    co_await clock.sleep_for(2s);
    supply.head({{2, {0, 677333, 1354666}}, {1, {}}});
    supply.key("\"\\");
    supply.rail({0, 0});
    co_await clock.sleep_for(1ms);
  });
  EXPECT_EQ(terminal.seen, (Seen{"0 s rail 5000 -250", "0 s key OK", "2 s head 2:0,677333,1354666, 1:", "2 s key \"\\",
                                 "2 s rail 0 0"}));
}

TEST_F(ContactPorts, TheCurrentIsToldAtOnceThenOnChangeOnly) {
  Meter late;
  run([&]() -> Task<> {
    supply.listen_draw(&meter);
    port.draw(150);
    co_await clock.sleep_for(1s);
    port.draw(150);
    co_await clock.sleep_for(1s);
    port.draw(420);
    co_await clock.sleep_for(1s);
    supply.listen_draw(&late);
    RemoteContact robot(clock, *dialer);
    Crew crew(clock);
    crew.start(robot.run());
    Meter second;
    robot.listen_draw(&second);
    co_await clock.sleep_for(1s);
    EXPECT_EQ(second.seen, (std::vector<std::int64_t>{420})) << "a newcomer is told the present current";
    port.draw(0);
    co_await clock.sleep_for(1s);
    EXPECT_EQ(second.seen, (std::vector<std::int64_t>{420, 0}));
    robot.stop();
    co_await crew.join();
  });
  EXPECT_EQ(meter.seen, (std::vector<std::int64_t>{150, 420}));
  EXPECT_EQ(late.seen, (std::vector<std::int64_t>{420, 0}));
}

TEST_F(ContactPorts, DialsUntilTheTerminalListensAndThenSendsAllThatWaited) {
  listener->close();
  alone([&]() -> Task<> {
    Crew crew(clock);
    crew.start(supply.run());
    supply.rail({5000, 0});
    supply.key("1");
    supply.key("OK");
    co_await clock.sleep_for(1050ms);
    listener->reopen();
    crew.start(port.run());
    co_await clock.sleep_for(1s);
    supply.stop();
    port.stop();
    co_await crew.join();
  });
  EXPECT_EQ(terminal.seen, (Seen{"1.2 s rail 5000 0", "1.2 s key 1", "1.2 s key OK"}));
}

TEST_F(ContactPorts, AfterAReconnectTheLastRailIsToldAlongItsSlope) {
  Touched second_terminal(clock);
  alone([&]() -> Task<> {
    Crew crew(clock);
    crew.start(port.run());
    crew.start(supply.run());
    supply.rail({5000, 0});
    co_await clock.sleep_for(1s);
    supply.rail({5000, -1000});
    co_await clock.sleep_for(1s);
    port.stop();
    co_await clock.sleep_for(100ms);
    supply.key("OK");
    listener->reopen();
    ContactPort again(clock, *listener, second_terminal);
    crew.start(again.run());
    co_await clock.sleep_for(1s);
    again.stop();
    co_await clock.sleep_for(10050ms);
    listener->reopen();
    ContactPort third(clock, *listener, second_terminal);
    crew.start(third.run());
    co_await clock.sleep_for(1s);
    supply.stop();
    third.stop();
    co_await crew.join();
  });
  EXPECT_EQ(terminal.seen, (Seen{"0 s rail 5000 0", "1 s rail 5000 -1000"}));
  EXPECT_EQ(second_terminal.seen, (Seen{"2.2 s rail 3800 -1000", "2.2 s key OK", "13.3 s rail 0 0"}));
}

TEST_F(ContactPorts, GoodLinesOfAForeignPeerAreNotAnswered) {
  EXPECT_EQ(answers_to("{\"rail\":{\"mv\":3300}}\r\n\n{ \"key\" : \"F1\" }\n{\"error\":\"what?\",\"malformed\":1}\n"
                       "{\"head\":[{\"t_ns\":[5,5,9223372036854775807],\"track\":3}]}\n{\"key\":\"unfinished"),
            "");
  EXPECT_EQ(terminal.seen, (Seen{"0 s rail 3300 0", "0 s key F1", "0 s head 3:5,5,9223372036854775807,"}));
}

TEST_F(ContactPorts, EveryMalformedLineIsAnsweredCountedAndWithoutEffect) {
  const char* hostile[] = {"x",
                           "{",
                           "[]",
                           "null",
                           "{}",
                           "\"key\"",
                           "{\"key\":\"1\",\"rail\":{\"mv\":1}}",
                           "{\"key\":1}",
                           "{\"key\":\"\"}",
                           "{\"key\":\"12345678901234567\"}",
                           "{\"key\":\"a b\"}",
                           "{\"key\":\"a\\u0000\"}",
                           "{\"key\":\"\xff\"}",
                           "{\"rail\":5000}",
                           "{\"rail\":{}}",
                           "{\"rail\":{\"mv\":-1}}",
                           "{\"rail\":{\"mv\":100001}}",
                           "{\"rail\":{\"mv\":5.5}}",
                           "{\"rail\":{\"mv\":5e3}}",
                           "{\"rail\":{\"mv\":\"5000\"}}",
                           "{\"rail\":{\"mv\":99999999999999999999}}",
                           "{\"rail\":{\"mv\":1,\"slope_mv_per_s\":null}}",
                           "{\"rail\":{\"mv\":1,\"slope_mv_per_s\":1000000001}}",
                           "{\"rail\":{\"mv\":1,\"volts\":5}}",
                           "{\"head\":[]}",
                           "{\"head\":{}}",
                           "{\"head\":[1]}",
                           "{\"head\":[{\"track\":0,\"t_ns\":[]}]}",
                           "{\"head\":[{\"track\":4,\"t_ns\":[]}]}",
                           "{\"head\":[{\"track\":2,\"t_ns\":5}]}",
                           "{\"head\":[{\"track\":2,\"t_ns\":[-1]}]}",
                           "{\"head\":[{\"track\":2,\"t_ns\":[5,4]}]}",
                           "{\"head\":[{\"track\":2,\"t_ns\":[0.5]}]}",
                           "{\"head\":[{\"track\":2,\"t_ns\":[]},{\"track\":2,\"t_ns\":[]}]}",
                           "{\"head\":[{\"track\":2,\"t_ns\":[],\"more\":1}]}",
                           "{\"draw\":{\"ma\":1}}",
                           "{\"power\":\"off\"}",
                           "{\"key\":\"1\"}{\"key\":\"2\"}",
                           "{\"key\":\"1\"} x"};
  std::string text;
  std::size_t count = 0;
  for (const char* line : hostile) {
    text += std::string(line) + "\n";
    ++count;
  }
  text += std::string("{\"key\":\"\0\"}\n", 12);
  text += std::string(5000, '[') + "\n";
  count += 2;
  const std::string answers = answers_to(text + "{\"key\":\"OK\"}\n");
  EXPECT_EQ(static_cast<std::size_t>(std::count(answers.begin(), answers.end(), '\n')), count) << answers;
  for (std::size_t i = 1; i <= count; ++i) {
    EXPECT_NE(answers.find("\",\"malformed\":" + std::to_string(i) + "}\n"), std::string::npos) << i << answers;
  }
  EXPECT_TRUE(answers.starts_with("{\"error\":\"expected one JSON object"));
  EXPECT_EQ(terminal.seen, (Seen{"0 s key OK"}));
}

TEST_F(ContactPorts, ALineOf64KiBPassesAndALongerOneIsOneError) {
  const std::string good = "{\"key\":\"OK\"}";
  const auto padded = [&](std::size_t size) { return good + std::string(size - good.size() - 1, ' ') + "\n"; };
  EXPECT_EQ(answers_to(padded(65536)), "");
  EXPECT_EQ(terminal.seen.size(), 1U);
}

TEST_F(ContactPorts, ALongerLineIsOneErrorAndTheNextOneCounts) {
  const std::string good = "{\"key\":\"OK\"}";
  const std::string answers = answers_to(good + std::string(65537 - good.size() - 1, ' ') + "\n" +
                                         std::string(3 << 20, 'x') + "\n" + good + "\n");
  EXPECT_EQ(answers,
            "{\"error\":\"expected a line of at most 65536 bytes\",\"malformed\":1}\n"
            "{\"error\":\"expected a line of at most 65536 bytes\",\"malformed\":2}\n");
  EXPECT_EQ(terminal.seen.size(), 1U);
}

TEST_F(ContactPorts, AFloodOfGarbageIsAnsweredOnlySoOften) {
  std::string garbage;
  for (int i = 0; i < 10'000; ++i) garbage += "garbage\n";
  const std::string answers = answers_to(garbage + "{\"key\":\"OK\"}\n");
  EXPECT_EQ(std::count(answers.begin(), answers.end(), '\n'), 64);
  EXPECT_EQ(terminal.seen.size(), 1U);
}

TEST_F(ContactPorts, AnyBytesAreNoCrash) {
  std::uint64_t state = 3;
  std::string noise;
  for (int i = 0; i < 400'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    noise += i % 3 == 0 ? static_cast<char>(state >> 40) : "{}[]\":,\nrailheadkey0123456789"[(state >> 40) % 29];
  }
  answers_to(noise + "\n{\"key\":\"OK\"}\n");
  ASSERT_FALSE(terminal.seen.empty());
  EXPECT_EQ(terminal.seen.back(), "0 s key OK");
}

TEST_F(ContactPorts, TheSeventeenthConnectionIsReset) {
  run([&]() -> Task<> {
    std::vector<std::unique_ptr<Link>> links;
    std::vector<std::string> heard(17);
    Crew crew(clock);
    co_await clock.sleep_for(1ms);
    for (std::size_t i = 0; i < 16; ++i) {
      auto link = co_await dialer->dial();
      links.push_back(std::move(link));
      crew.start(listen(*links.back(), heard[i]));
    }
    co_await clock.sleep_for(1ms);
    EXPECT_EQ(heard[14], "{\"draw\":{\"ma\":0}}\n");
    EXPECT_EQ(heard[15], "|reset") << "the supply is the first of sixteen";
    links[3]->close(Close::fin);
    co_await clock.sleep_for(1ms);
    auto link = co_await dialer->dial();
    links.push_back(std::move(link));
    crew.start(listen(*links.back(), heard[16]));
    co_await clock.sleep_for(1ms);
    EXPECT_EQ(heard[16], "{\"draw\":{\"ma\":0}}\n");
    port.stop();
    co_await crew.join();
    EXPECT_EQ(heard[16], "{\"draw\":{\"ma\":0}}\n|end");
  });
}

TEST_F(ContactPorts, WhatTheTerminalThrowsEndsThePortAndIsRethrown) {
  std::string caught;
  alone([&]() -> Task<> {
    Crew crew(clock);
    crew.start(supply.run());
    supply.key("EXPLODE");
    try {
      co_await port.run();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
    supply.stop();
    co_await crew.join();
  });
  EXPECT_EQ(caught, "terminal on fire");
}

TEST_F(ContactPorts, ASignalThatFitsNoLineIsRefusedHere) {
  EXPECT_THROW(supply.head({{2, std::vector<std::int64_t>(7000, 1'000'000'000)}}), std::length_error);
  EXPECT_NO_THROW(supply.head({{2, std::vector<std::int64_t>(5000, 1'000'000'000)}}));
}

TEST_F(ContactPorts, WhileNobodyListensOnlyTheNewestCallsWait) {
  listener->close();
  supply.rail({5000, 0});
  for (int i = 0; i < 300; ++i) supply.key("K" + std::to_string(i));
  listener->reopen();
  run([&]() -> Task<> { co_await clock.sleep_for(1s); });
  ASSERT_EQ(terminal.seen.size(), 257U);
  EXPECT_EQ(terminal.seen.front(), "0 s rail 5000 0") << "the rail is a state and is told whatever was lost";
  EXPECT_EQ(terminal.seen[1], "0 s key K44");
  EXPECT_EQ(terminal.seen.back(), "0 s key K299");
}

Task<> never_reading_peer(Clock& clock, Dialer& dialer, ContactPort& port, int& told) {
  Crew crew(clock);
  crew.start(port.run());
  auto link = co_await dialer.dial();
  const std::string garbage(65000, '\n');
  for (int i = 0; i < 300; ++i) {
    for (int ma = 0; ma < 1000; ++ma) port.draw(++told % 99'999);
    co_await link->write(bytes_of(garbage));
  }
  port.stop();
  co_await crew.join();
}

TEST(ContactPortOverTcp, APeerThatNeverReadsHoldsUpNobody) {
  SteadyClock clock;
  std::uint16_t tcp_port = 0;
  auto listener = tcp_listener(clock, "127.0.0.1", 0, &tcp_port);
  auto dialer = tcp_dialer(clock, "127.0.0.1", tcp_port);
  Touched terminal(clock);
  ContactPort port(clock, *listener, terminal);
  int told = 0;
  clock.run(never_reading_peer(clock, *dialer, port, told));
  EXPECT_EQ(told, 300'000);
}

Task<> play(Clock& clock, ContactPort& port, RemoteContact& robot, Touched& terminal, Meter& meter) {
  Crew crew(clock);
  crew.start(port.run());
  crew.start(robot.run());
  robot.listen_draw(&meter);
  robot.head({{2, std::vector<std::int64_t>(5000, 1'000'000'000)}});
  robot.key("OK");
  while (terminal.seen.size() < 2) co_await clock.sleep_for(1ms);
  port.draw(77);
  while (meter.seen.size() < 2) co_await clock.sleep_for(1ms);
  robot.stop();
  port.stop();
  co_await crew.join();
}

TEST(ContactPortOverTcp, WorksBetweenProcessesAsInOne) {
  SteadyClock clock;
  std::uint16_t tcp_port = 0;
  auto listener = tcp_listener(clock, "127.0.0.1", 0, &tcp_port);
  auto dialer = tcp_dialer(clock, "127.0.0.1", tcp_port);
  Touched terminal(clock);
  ContactPort port(clock, *listener, terminal);
  RemoteContact robot(clock, *dialer);
  Meter meter;
  clock.run(play(clock, port, robot, terminal, meter));
  ASSERT_EQ(terminal.seen.size(), 2U);
  EXPECT_NE(terminal.seen[0].find("head 2:1000000000,"), std::string::npos);
  EXPECT_TRUE(terminal.seen[1].ends_with("key OK"));
  EXPECT_EQ(meter.seen, (std::vector<std::int64_t>{0, 77}));
}

}  // namespace
}  // namespace swiperig
