// How whoever dials a place of the virtual bench is met: let in, late, or turned away as a network turns callers away.
#include <gtest/gtest.h>

#include <array>

#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

struct Dialled {
  std::string how = "still dialling";
  Time at{};
};

Task<> call(Clock& clock, Dialer& dialer, Dialled& dialled) {
  try {
    auto link = co_await dialer.dial();
    dialled.how = link ? "connected" : "nothing";
    link->close(Close::fin);
  } catch (const LinkError& e) {
    dialled.how = e.kind == LinkError::refused ? "refused" : e.kind == LinkError::closed ? "given up" : "failed";
  }
  dialled.at = clock.now();
}

Task<> count_callers(Listener& door, int& let_in, int& turned_away) {
  try {
    for (;;) {
      auto link = co_await door.accept();
      ++(link ? let_in : turned_away);
      if (link) link->close(Close::fin);
    }
  } catch (const LinkError&) {
  }
}

struct Outcome {
  Dialled dialled;
  int let_in = 0, turned_away = 0;
};

/// Dials once while the place is met like that; `then` happens after `later`.
Outcome dial(Reception how, Duration wait, Duration later, const std::function<void(Listener&, Dialer&)>& then) {
  VirtualClock clock;
  PipeHub hub(clock);
  auto door = hub.listen("host");
  auto dialer = hub.dialer("host");
  Outcome out;
  const auto play = [&]() -> Task<> {
    Crew crew(clock);
    EXPECT_TRUE(door->meet(how, wait));
    crew.start(count_callers(*door, out.let_in, out.turned_away));
    crew.start(call(clock, *dialer, out.dialled));
    co_await clock.sleep_for(later);
    if (then) then(*door, *dialer);
    co_await clock.sleep_for(200s);
    door->close();
    dialer->close();
    co_await crew.join();
  };
  clock.run(play());
  return out;
}

TEST(PipeDoor, AnOpenDoorLetsInAtOnce) {
  const Outcome o = dial(Reception::open, 0s, 0s, nullptr);
  EXPECT_EQ(o.dialled.how, "connected");
  EXPECT_EQ(o.dialled.at, Time{});
  EXPECT_EQ(o.let_in, 1);
  EXPECT_EQ(o.turned_away, 0);
}

TEST(PipeDoor, ASlowOneLetsInAfterItsWait) {
  const Outcome o = dial(Reception::slow, 3s, 0s, nullptr);
  EXPECT_EQ(o.dialled.how, "connected");
  EXPECT_EQ(o.dialled.at, Time(3s));
  EXPECT_EQ(o.let_in, 1);
  EXPECT_EQ(o.turned_away, 0);
}

TEST(PipeDoor, WithoutASynAckACallerWaitsUntilThereIsOne) {
  const auto open = [](Listener& door, Dialer&) { door.meet(Reception::open, 0s); };
  const Outcome o = dial(Reception::unanswered, 0s, 4s, open);
  EXPECT_EQ(o.dialled.how, "connected");
  EXPECT_EQ(o.dialled.at, Time(4s));
  EXPECT_EQ(o.turned_away, 1) << "the SYN was seen";
  EXPECT_EQ(o.let_in, 1);
  const Outcome never_opened = dial(Reception::unanswered, 0s, 4s, nullptr);
  EXPECT_EQ(never_opened.dialled.how, "failed");
  EXPECT_EQ(never_opened.dialled.at, Time(127s));
  EXPECT_EQ(never_opened.let_in, 0);
}

TEST(PipeDoor, WhoeverGivesUpDialsNoMore) {
  for (const Reception how : {Reception::unanswered, Reception::slow}) {
    const auto give_up = [](Listener& door, Dialer& dialer) {
      dialer.give_up();
      door.meet(Reception::open, 0s);
    };
    const Outcome o = dial(how, 60s, 5s, give_up);
    EXPECT_EQ(o.dialled.how, "given up");
    EXPECT_EQ(o.dialled.at, Time(5s));
    EXPECT_EQ(o.let_in, 0);
  }
}

TEST(PipeDoor, RefusedAndUnresolvedFailAtOnce) {
  const Outcome refused = dial(Reception::refused, 0s, 0s, nullptr);
  EXPECT_EQ(refused.dialled.how, "refused");
  EXPECT_EQ(refused.dialled.at, Time{});
  EXPECT_EQ(refused.turned_away, 1);
  const Outcome unresolved = dial(Reception::unresolved, 0s, 0s, nullptr);
  EXPECT_EQ(unresolved.dialled.how, "failed");
  EXPECT_EQ(unresolved.dialled.at, Time{});
  EXPECT_EQ(unresolved.turned_away, 1);
}

TEST(PipeDoor, AResetOvertakesNothingThatWasWritten) {
  VirtualClock clock;
  auto [near, far] = make_pipe(clock);
  std::size_t got = 0;
  bool reset = false;
  const auto play = [&, &a = near, &b = far]() -> Task<> {
    const std::array<std::uint8_t, 3> bytes{1, 2, 3};
    co_await a->write(bytes);
    a->close(Close::reset);
    std::array<std::uint8_t, 16> into{};
    got = co_await b->read_some(into);
    try {
      co_await b->read_some(into);
    } catch (const LinkError& e) {
      reset = e.kind == LinkError::reset;
    }
  };
  clock.run(play());
  EXPECT_EQ(got, 3u);
  EXPECT_TRUE(reset);
}

}  // namespace
}  // namespace swiperig
