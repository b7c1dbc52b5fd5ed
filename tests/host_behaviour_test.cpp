#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "fixtures/host.hpp"
#include "tests/host_stand.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using Rows = std::vector<std::string>;

struct Expected {
  const char* behaviour;
  int lasts_ms;
  const char* sale;      // how the sale ends, or its code
  int sale_after_ms;     // from the request; -1: not asked
  const char* row;       // state of the sale's row afterwards, "" for none
  const char* reversal;  // how a reversal of it ends while the behaviour is still set
  const char* settlement;
};
const Expected kBehaviours[] = {
    {"normal", 0, "00", 30, "approved", "00", "00"},
    {"slow", 4000, "00", 4030, "approved", "00", "00"},
    {"silent", 0, "nothing", -1, "", "nothing", "nothing"},
    {"commit_silent", 0, "nothing", -1, "approved", "00", "00"},
    {"reset", 0, "reset", 30, "", "reset", "reset"},
    {"decline", 0, "51", 30, "declined", "12", "00"},
    {"truncated", 0, "part then fin", 30, "approved", "00", "00"},
    {"wrong_mac", 0, "00", 30, "approved", "00", "00"},
    {"late", 70'000, "nothing", -1, "approved", "00", "00"},
    {"maintenance", 0, "96", 30, "", "96", "96"},
    {"unknown_merchant", 0, "03", 30, "", "03", "03"},
    {"unknown_terminal", 0, "97", 30, "", "97", "97"},
    {"wrong_mti", 0, "00", 30, "approved", "00", "00"},
    {"wrong_clock", 0, "00", 30, "approved", "00", "00"},
    {"fee", 0, "00", 30, "approved", "00", "00"},
    {"damaged", 0, "garbage", 30, "approved", "00", "00"},
};

std::string outcome(const Ending& ending) { return ending.how == "answer" ? ending.code() : ending.how; }

class HostBehaviours : public testing::TestWithParam<Expected> {};

TEST_P(HostBehaviours, DoesExactlyWhatItsRowSays) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    const Expected expected = GetParam();
    co_await s.behave(expected.behaviour, expected.lasts_ms);
    const Time asked = s.clock.now();
    auto sale = co_await s.send(s.till.sale(2, 1234));
    EXPECT_EQ(outcome(sale), expected.sale);
    if (expected.sale_after_ms >= 0) {
      EXPECT_EQ(sale.at - asked, std::chrono::milliseconds(expected.sale_after_ms));
    }
    if (sale.how == "answer") {
      EXPECT_EQ(s.till.right_mac(sale), std::string(expected.behaviour) != "wrong_mac");
    }
    auto rows = co_await s.book();
    const std::string row = expected.row;
    EXPECT_EQ(rows, row.empty() ? Rows{} : Rows{"000002 " + row + " 1234"});
    EXPECT_EQ(s.milestones().size(), row.empty() ? 1U : 2U);

    auto reversal = co_await s.send(s.till.reversal(2, 1234));
    EXPECT_EQ(outcome(reversal), expected.reversal);
    EXPECT_TRUE(reversal.how != "answer" || s.till.right_mac(reversal));
    auto settlement = co_await s.send(s.till.settlement(3, 0, 0));
    EXPECT_EQ(outcome(settlement), expected.settlement);

    co_await s.behave("normal");
    auto logon = co_await s.send(s.till.logon(9));
    EXPECT_EQ(logon.code(), "00") << "and it ends when told";
  });
}
INSTANTIATE_TEST_SUITE_P(Host, HostBehaviours, testing::ValuesIn(kBehaviours),
                         [](const auto& row) { return std::string(row.param.behaviour); });

TEST(HostBehaviour, LateCommitsAtOnceWhereSlowCommitsLate) {
  for (const std::string name : {"late", "slow"}) {
    Stand stand;
    stand.run([name](Stand& s) -> Task<> {
      co_await s.behave(name, 5000);
      Crew crew(s.clock);
      Ending ending;
      const auto ask = [&]() -> Task<> { ending = co_await s.send(s.till.sale(2, 1234)); };
      const Time asked = s.clock.now();
      crew.start(ask());
      co_await s.clock.sleep_for(1s);
      auto rows = co_await s.book();
      EXPECT_EQ(rows.size(), name == "late" ? 1U : 0U);
      co_await crew.join();
      EXPECT_EQ(outcome(ending), "00");
      EXPECT_EQ(ending.at - asked, 5030ms);
    });
  }
}

/// How long the host thought about each of three sales in `cycle`.
std::vector<Duration> thoughts(std::uint32_t cycle, int sales_in_the_cycle_before) {
  DrawPlace place;
  HostSettings settings = test_settings();
  settings.think_spread = 20ms;
  settings.place = &place;
  Stand stand(settings);
  std::vector<Duration> out;
  stand.run([&, cycle](Stand& s) -> Task<> {
    place.cycle = cycle - 1;
    for (int stan = 10; stan < 10 + sales_in_the_cycle_before; ++stan) co_await s.send(s.till.sale(stan, 100));
    place.cycle = cycle;
    for (int stan = 2; stan < 5; ++stan) {
      const Time asked = s.clock.now();
      co_await s.send(s.till.sale(stan, 100));
      out.push_back(s.clock.now() - asked);
    }
  });
  return out;
}

TEST(HostBehaviour, ThinkingTimeIsDrawnFromThePlaceAndShiftsNothing) {
  const auto times = thoughts(7, 0);
  for (const Duration time : times) {
    EXPECT_GE(time, 30ms);
    EXPECT_LE(time, 50ms);
  }
  EXPECT_NE(times[0], times[1]);
  EXPECT_EQ(thoughts(7, 2), times) << "what another cycle sent does not matter";
  EXPECT_NE(thoughts(8, 0), times);
}

TEST(HostBehaviour, RefuseTurnsAwayConnectionsUntilToldOtherwise) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await s.behave("refuse");
    for (int i = 0; i < 2; ++i) {
      bool refused = false;
      try {
        auto link = co_await s.dialer->dial();
      } catch (const LinkError& error) {
        refused = error.kind == LinkError::refused;
      }
      EXPECT_TRUE(refused);
      co_await s.clock.sleep_for(1s);
    }
    co_await s.behave("normal");
    auto ending = co_await s.send(s.till.sale(2, 100));
    EXPECT_EQ(outcome(ending), "00");
    // within one instant
    co_await s.control->write(bytes_of("{\"behave\":\"refuse\"}\n{\"behave\":\"normal\"}\n"));
    co_await s.clock.sleep_for(1ms);
    auto again = co_await s.send(s.till.sale(3, 100));
    EXPECT_EQ(outcome(again), "00");
  });
}

/// As a socket does: an accept that was waiting when it was closed fails, even if it is open again by then.
struct SocketListener final : Listener {
  explicit SocketListener(Clock& c) : clock(c) {}
  Task<std::unique_ptr<Link>> accept() override {
    while (waiting.empty()) {
      if (std::exchange(broken, false)) throw LinkError(LinkError::closed, "closed");
      co_await clock.wait(bell, never);
    }
    auto link = std::move(waiting.front());
    waiting.pop_front();
    co_return link;
  }
  void close() override {
    broken = true;
    bell.ring();
  }
  void reopen() override {}
  Clock& clock;
  Bell bell;
  bool broken = false;
  std::deque<std::unique_ptr<Link>> waiting;
};

Task<> refuse_for_an_instant(Clock& clock, SocketListener& listener, Host& host, Link& control, Ending& ending) {
  Crew crew(clock);
  crew.start(host.run());
  co_await clock.sleep_for(1ms);
  const std::string lines = "{\"behave\":\"refuse\"}\n{\"behave\":\"normal\"}\n";
  co_await control.write(bytes_of(lines));
  co_await clock.sleep_for(1ms);
  auto [near, far] = make_pipe(clock);
  listener.waiting.push_back(std::move(far));
  listener.bell.ring();
  const Till till;
  ending = co_await exchange(clock, *near, till.frame(till.sale(2, 100)), till.settings.profile.framing);
  host.stop();
  co_await crew.join();
}

TEST(HostBehaviour, ASocketThatFailsItsAcceptOnCloseIsServedAgain) {
  VirtualClock clock;
  SocketListener listener(clock);
  auto [near, far] = make_pipe(clock);
  Host host(clock, test_settings(), listener, std::move(far));
  Ending ending;
  clock.run(refuse_for_an_instant(clock, listener, host, *near, ending));
  EXPECT_EQ(outcome(ending), "00");
}

// the twin: a listener that fails by itself ends the host with that failure, and nothing is left running
Task<> fail_by_itself(Clock& clock, SocketListener& listener, Host& host) {
  Crew crew(clock);
  crew.start(host.run());
  co_await clock.sleep_for(1ms);
  listener.close();
  co_await crew.join();
}
TEST(HostBehaviour, AListenerThatFailsByItselfEndsTheHost) {
  VirtualClock clock;
  SocketListener listener(clock);
  auto [near, far] = make_pipe(clock);
  Host host(clock, test_settings(), listener, std::move(far));
  EXPECT_THROW(clock.run(fail_by_itself(clock, listener, host)), LinkError);
}

}  // namespace
}  // namespace swiperig
