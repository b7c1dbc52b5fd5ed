#include "fixtures/contact_port.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drivers/link_tcp.hpp"
#include "tests/contact_port_bench.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

TEST_F(ContactPorts, CallsArriveAtOnceAndInOrder) {
  run([&]() -> Task<> {
    supply.rail({5000, -250});
    supply.key("OK");
    co_await clock.sleep_for(2s);
    supply.head({{2, {0, 677333, 1354666}, {1000, 0, 998}}, {1, {}}});
    supply.pass(Surface::plastic);
    supply.pass(Surface::cleaning);
    supply.card(CardAt::slot);
    supply.card(CardAt::nowhere);
    supply.card(CardAt::field);
    supply.key("\"\\");
    supply.rail({0, 0});
    co_await clock.sleep_for(1ms);
  });
  EXPECT_EQ(terminal.seen,
            (Seen{"0 s rail 5000 -250", "0 s key OK", "2 s head 2:0,677333,1354666,~1000~0~998 1:", "2 s plastic",
                  "2 s cleaning", "2 s card slot", "2 s card none", "2 s card field", "2 s key \"\\", "2 s rail 0 0"}));
}

TEST_F(ContactPorts, TheCurrentIsToldAtOnceThenOnChangeOnly) {
  Meter late;
  std::string foreign;
  run([&]() -> Task<> {
    supply.listen_draw(&meter);
    Crew peer(clock);
    peer.start(talk("", foreign));
    port.draw(150);
    co_await clock.sleep_for(100ms);
    port.draw(150);
    co_await clock.sleep_for(100ms);
    port.draw(420);
    co_await peer.join();
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
  EXPECT_EQ(foreign, "{\"draw\":{\"ma\":150}}\n{\"draw\":{\"ma\":420}}\n");
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

/// A connection whose far end reads nothing: a write ends only by a reset, a read by any closing.
struct StuckLink final : Link {
  explicit StuckLink(Clock& c) : clock(c) {}
  Task<std::size_t> read_some(std::span<std::uint8_t>) override {
    co_await clock.wait(closed, never);
    throw LinkError(LinkError::closed, "stuck link closed");
  }
  Task<> write(std::span<const std::uint8_t>) override {
    co_await clock.wait(broken, never);
    throw LinkError(LinkError::closed, "stuck link broken");
  }
  void close(Close how) override {
    if (std::exchange(is_closed, true)) return;
    closed.ring();
    if (how == Close::reset) broken.ring();
  }
  Clock& clock;
  Bell closed, broken;
  bool is_closed = false;
};

struct StuckDialer final : Dialer {
  explicit StuckDialer(Clock& c) : clock(c) {}
  Task<std::unique_ptr<Link>> dial() override { co_return std::make_unique<StuckLink>(clock); }
  void close() override {}
  void give_up() override {}
  Clock& clock;
};

TEST_F(ContactPorts, AFarEndThatNeverReadsDoesNotHoldUpTheEnd) {
  StuckDialer stuck(clock);
  RemoteContact robot(clock, stuck);
  alone([&]() -> Task<> {
    Crew crew(clock);
    crew.start(robot.run());
    robot.key("OK");
    co_await clock.sleep_for(1s);
    robot.stop();
    co_await crew.join();
  });
  EXPECT_EQ(clock.now(), Time(1s));
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
