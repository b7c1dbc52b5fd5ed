// Each fault of the path does to its message, line or caller what its name says, and nothing to anybody else.
#include <gtest/gtest.h>

#include "tests/path_shell.hpp"

namespace swiperig {
namespace {

Bytes first(const Bytes& all, std::size_t n) { return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)}; }

TEST(PathFaults, ACutLetsSoManyBytesGoOnThenEndsAsTold) {
  const Bytes whole = response(2);
  struct Way {
    NetworkFault::Ending then;
    NetworkFault::Side side;
    const char *at_terminal, *at_host;
  };
  const Way ways[] = {{NetworkFault::silence, NetworkFault::both, "", ""},
                      {NetworkFault::in_order, NetworkFault::both, "fin", "fin"},
                      {NetworkFault::in_order, NetworkFault::terminal, "fin", ""},
                      {NetworkFault::in_order, NetworkFault::host, "", "fin"},
                      {NetworkFault::broken, NetworkFault::both, "reset", "reset"},
                      {NetworkFault::broken, NetworkFault::terminal, "reset", ""},
                      {NetworkFault::broken, NetworkFault::host, "", "reset"}};
  for (const Way& way : ways) {
    for (std::size_t n = 1; n < whole.size(); ++n) {
      Shell s;
      s.open(1);
      s.open(2);
      NetworkFault fault{NetworkFault::cut};
      fault.count = static_cast<std::int64_t>(n);
      fault.then = way.then;
      fault.side = way.side;
      s.arm(0, "response_entered", fault, 2);
      s.in(1, from_host, response(1) + whole + response(3));
      s.in(2, from_host, response(9));
      ASSERT_EQ(s.to_terminal(1), response(1) + first(whole, n));
      ASSERT_EQ(s.to_terminal(2), response(9)) << "another connection";
      ASSERT_EQ(s.end_at_terminal(), way.at_terminal);
      ASSERT_EQ(s.end_at_host(), way.at_host);
      ASSERT_EQ(s.end_at_terminal(2), "");
      ASSERT_EQ(s.fired(0), "done");
      ASSERT_EQ(s.count("response_left"), 2) << "the cut one never left as a message";
      // a half-closed side still speaks
      s.in(1, from_terminal, request(7));
      const bool speaks = way.then == NetworkFault::silence ||
                          (way.then == NetworkFault::in_order && way.side == NetworkFault::terminal);
      ASSERT_EQ(s.to_host(1), speaks ? request(7) : Bytes{});
      ASSERT_FALSE(s.after_the_end);
    }
  }
}

TEST(PathFaults, ACutThatTheMessageIsTooShortForIsMissed) {
  Shell s;
  s.open(1);
  NetworkFault fault{NetworkFault::cut};
  fault.count = static_cast<std::int64_t>(response(1).size());
  s.arm(0, "response_entered", fault);
  s.in(1, from_host, response(1));
  EXPECT_EQ(s.to_terminal(), response(1));
  EXPECT_EQ(s.fired(0), "late");
}

TEST(PathFaults, AFinTowardsOneSideLeavesTheOtherDirection) {
  Shell s;
  s.open(1);
  NetworkFault fault{NetworkFault::fin};
  fault.side = NetworkFault::host;
  s.arm(0, "request_entered", fault);
  s.in(1, from_terminal, request(1) + request(2));
  EXPECT_TRUE(s.to_host().empty());
  EXPECT_EQ(s.end_at_host(), "fin");
  EXPECT_EQ(s.end_at_terminal(), "");
  s.in(1, from_host, response(5));
  EXPECT_EQ(s.to_terminal(), response(5));
}

TEST(PathFaults, ADropLeavesWhatIsBeforeItUnderWay) {
  Shell s;
  s.open(1);
  s.arm(0, "response_entered", {NetworkFault::delay, 2s}, 1);
  s.arm(1, "response_entered", {NetworkFault::drop}, 2);
  s.in(1, from_host, response(1) + response(2) + response(3));
  s.pass(2s);
  EXPECT_EQ(s.to_terminal(), response(1));
  EXPECT_EQ(s.count("response_left"), 1);
}

TEST(PathFaults, ADuplicateGoesOnTwiceAndLeavesOnce) {
  Shell s;
  s.open(1);
  s.arm(0, "request_entered", {NetworkFault::duplicate}, 2);
  s.in(1, from_terminal, request(1) + request(2) + request(3));
  EXPECT_EQ(s.to_host(), request(1) + request(2) + request(2) + request(3));
  EXPECT_EQ(s.count("request_left"), 3);
  EXPECT_EQ(s.fired(0), "done");
}

TEST(PathFaults, ReorderLetsTheNextGoFirst) {
  Shell s;
  s.open(1);
  s.arm(0, "response_entered", {NetworkFault::reorder, 5s}, 1);
  s.in(1, from_host, response(1));
  s.in(1, from_terminal, request(8));
  EXPECT_EQ(s.to_host(), request(8)) << "the other direction goes on";
  EXPECT_TRUE(s.to_terminal().empty());
  EXPECT_EQ(s.fired(0), "") << "nothing has been overtaken yet";
  s.in(1, from_host, response(2) + response(3));
  EXPECT_EQ(s.to_terminal(), response(2) + response(1) + response(3));
  EXPECT_EQ(s.fired(0), "done");
  EXPECT_EQ(s.path.due(), never);
}

TEST(PathFaults, ReorderWorksAcrossConnections) {
  Shell s;
  s.open(1);
  s.open(2);
  s.arm(0, "response_entered", {NetworkFault::reorder}, 1);
  s.in(1, from_host, response(1));
  s.end(1, from_host);
  s.pass(1min);
  EXPECT_TRUE(s.to_terminal(1).empty());
  EXPECT_EQ(s.end_at_terminal(1), "");
  s.in(2, from_host, response(2));
  EXPECT_EQ(s.to_terminal(2), response(2));
  EXPECT_EQ(s.to_terminal(1), response(1));
  EXPECT_EQ(s.end_at_terminal(1), "fin") << "the end waited behind it";
}

TEST(PathFaults, ReorderWithoutANextIsMissedAfterItsTime) {
  Shell s;
  s.open(1);
  s.arm(0, "response_entered", {NetworkFault::reorder, 3s}, 1);
  s.in(1, from_host, response(1));
  s.pass(2999ms);
  EXPECT_TRUE(s.to_terminal().empty());
  s.pass(1ms);
  EXPECT_EQ(s.to_terminal(), response(1));
  EXPECT_EQ(s.fired(0), "late");
}

NetworkFault alter(const char* what, std::int64_t bit = 0) {
  NetworkFault fault{NetworkFault::alter};
  fault.what = what;
  fault.count = bit;
  return fault;
}

TEST(PathFaults, AnAlteredMessageDiffersInOneThing) {
  struct Way {
    const char* what;
    int field;  ///< 0: the MTI
    const char* becomes;
  };
  for (const Way& way : {Way{"stan", 11, "000002"}, Way{"amount", 4, "000000001235"}, Way{"mti", 0, "0230"}}) {
    Shell s;
    s.open(1);
    s.arm(0, "response_entered", alter(way.what));
    s.in(1, from_host, response(1) + response(5));
    const Bytes out = s.to_terminal();
    ASSERT_EQ(out.size(), 2 * response(1).size()) << way.what;
    Message was, is;
    ASSERT_FALSE(unpack(BytesView(response(1)).subspan(2), Framing{}, was));
    ASSERT_FALSE(unpack(BytesView(out).subspan(2, response(1).size() - 2), Framing{}, is));
    if (way.field == 0) {
      EXPECT_EQ(is.mti(), way.becomes);
      is.set_mti(was.mti());
    } else {
      EXPECT_EQ(is.field(way.field), way.becomes);
      is.set(way.field, was.field(way.field));
    }
    EXPECT_TRUE(is == was) << way.what;
    EXPECT_EQ(s.fired(0), "done");
    EXPECT_EQ(s.count("response_entered"), 2);
    EXPECT_EQ(s.count("response_left"), 2);
  }
}

TEST(PathFaults, EveryBitCanBeTurnedOver) {
  const Bytes whole = response(1);
  for (std::int64_t bit = 0; bit < static_cast<std::int64_t>(whole.size()) * 8; ++bit) {
    Shell s;
    s.open(1);
    s.arm(0, "response_entered", alter("bit", bit));
    s.in(1, from_host, whole);
    Bytes expected = whole;
    expected[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(0x80 >> (bit % 8));
    ASSERT_EQ(s.to_terminal(), expected);
    ASSERT_EQ(s.fired(0), "done");
  }
  Shell beyond;
  beyond.open(1);
  beyond.arm(0, "response_entered", alter("bit", static_cast<std::int64_t>(whole.size()) * 8));
  beyond.in(1, from_host, whole);
  EXPECT_EQ(beyond.to_terminal(), whole);
  EXPECT_EQ(beyond.fired(0), "late");
}

TEST(PathFaults, WhatAMessageHasNotCannotBeAltered) {
  for (const char* what : {"mac", "terminal", "code", "totals"}) {
    Shell s;
    s.open(1);
    s.arm(0, "response_entered", alter(what));
    s.in(1, from_host, response(1));
    EXPECT_EQ(s.to_terminal(), response(1)) << what;
    EXPECT_EQ(s.fired(0), "late") << what;
  }
}

TEST(PathFaults, AReplayIsAnOlderMessageOfTheHost) {
  Shell s;
  s.open(1);
  s.in(1, from_host, response(1));
  s.set({});
  s.open(2);
  s.arm(0, "response_entered", {NetworkFault::replay});
  s.in(2, from_host, response(2) + response(3));
  EXPECT_EQ(s.to_terminal(2), response(1) + response(3));
  EXPECT_EQ(s.fired(0), "done");

  Shell other;  // of another kind, where there is none of its own
  other.open(1);
  other.in(1, from_host, frame("0810", 7));
  other.arm(0, "response_entered", {NetworkFault::replay});
  other.in(1, from_host, response(2));
  EXPECT_EQ(other.to_terminal(), frame("0810", 7) + frame("0810", 7));

  Shell none;  // the twin
  none.open(1);
  none.arm(0, "response_entered", {NetworkFault::replay});
  none.in(1, from_host, response(2));
  EXPECT_EQ(none.to_terminal(), response(2));
  EXPECT_EQ(none.fired(0), "late");
}

TEST(PathFaults, ARateLetsBytesArriveInTheirTime) {
  Shell s;
  s.open(1);
  Impairment slow;
  slow.bytes_per_s = 100;
  slow.lasts = 1min;
  s.set(slow);
  const Bytes bytes = response(1);
  s.in(1, from_host, bytes);
  s.in(1, from_terminal, request(2));
  const auto whole = std::chrono::milliseconds(bytes.size() * 10);
  s.pass(whole / 2);
  EXPECT_NEAR(static_cast<double>(s.to_terminal().size()), static_cast<double>(bytes.size()) / 2, 6);
  EXPECT_EQ(s.count("response_left"), 0);
  s.pass(whole / 2 + 1ms);
  EXPECT_EQ(s.to_terminal(), bytes);
  EXPECT_EQ(s.to_host(), request(2)) << "each direction has its own rate";
  EXPECT_EQ(s.count("response_left"), 1);
  s.pass(1min);
  s.in(1, from_host, response(3));
  EXPECT_EQ(s.to_terminal(), bytes + response(3)) << "its time is over";
}

TEST(PathFaults, JitterDelaysEachMessageByItsOwnDrawAndKeepsTheOrder) {
  const auto arrivals = [](const DrawPlace& place) {
    Shell s;
    s.path = Path(HostProfile{}, &place);
    s.open(1);
    Impairment jitter;
    jitter.jitter = 400ms;
    s.set(jitter);
    std::vector<Duration> waits;
    Bytes expected;
    for (int n = 1; n <= 40; ++n) {
      s.in(1, from_host, response(n));
      expected = expected + response(n);
      const Time sent = s.now;
      while (s.to_terminal().size() < expected.size() && s.now < sent + 1s) s.pass(1ms);
      EXPECT_EQ(s.to_terminal(), expected);
      waits.push_back(s.now - sent);
      EXPECT_LE(waits.back(), 400ms);
    }
    s.in(1, from_host, response(50) + response(51) + response(52));
    s.pass(1s);
    EXPECT_EQ(s.to_terminal(), expected + response(50) + response(51) + response(52)) << "never out of order";
    return waits;
  };
  const DrawPlace here{7, 1, 3}, there{7, 1, 4};
  const auto waits = arrivals(here);
  EXPECT_EQ(waits, arrivals(here)) << "one seed, one jitter";
  EXPECT_NE(waits, arrivals(there));
  const auto [least, most] = std::minmax_element(waits.begin(), waits.end());
  EXPECT_LT(*least, 60ms);
  EXPECT_GT(*most, 340ms);
}

TEST(PathFaults, ALineFaultMayBeArmedOnAMessage) {
  Shell s;
  s.open(1);
  NetworkFault slow{NetworkFault::rate, 1min};
  slow.count = 1000;
  s.arm(0, "response_entered", slow, 2);
  s.in(1, from_host, response(1));
  EXPECT_EQ(s.to_terminal(), response(1));
  s.in(1, from_host, response(2));
  EXPECT_EQ(s.to_terminal(), response(1)) << "the message itself is the first that is slow";
  EXPECT_EQ(s.fired(0), "done");
  s.pass(1s);
  EXPECT_EQ(s.to_terminal(), response(1) + response(2));
}

TEST(PathFaults, TheDoorIsShutForItsTimeAndOpenedAtRest) {
  Shell s;
  Impairment shut;
  shut.door = "unanswered";
  shut.lasts = 3s;
  s.set(shut);
  ASSERT_EQ(s.met.size(), 1u);
  EXPECT_EQ(s.met[0].how, Reception::unanswered);
  s.pass(2999ms);
  EXPECT_EQ(s.met.size(), 1u);
  s.pass(1ms);
  ASSERT_EQ(s.met.size(), 2u);
  EXPECT_EQ(s.met[1].how, Reception::open);
  shut.door = "accept_slow";
  shut.lasts = 0s;
  shut.door_wait = 2s;
  s.set(shut);
  EXPECT_EQ(s.met.back().how, Reception::slow);
  EXPECT_EQ(s.met.back().wait, 2s);
  s.set({});
  EXPECT_EQ(s.met.back().how, Reception::open);
  const auto told = s.met.size();
  s.set({});
  EXPECT_EQ(s.met.size(), told) << "an open door is not opened again";
  s.with([&](Orders& o) { s.path.turned_away(5, o); });
  EXPECT_EQ(s.count("unreached"), 1);
}

TEST(PathFaults, NothingIsHeldLongerThanAllowed) {
  struct Way {
    NetworkFault fault;
    bool hold;
    Duration most;
    const char* fired;
    Duration after;
  };
  const Way ways[] = {{{NetworkFault::delay, 8s}, false, 5s, "late", 5s},
                      {{NetworkFault::delay, 8s}, false, 0s, "done", 8s},
                      {{NetworkFault::delay, 4s}, false, 5s, "done", 4s},
                      {{NetworkFault::reorder, 8s}, false, 5s, "late", 5s},
                      {{NetworkFault::reorder, 4s}, false, 5s, "late", 4s},
                      {{NetworkFault::reorder, 0s}, false, 5s, "late", 5s},
                      {{}, true, 5s, "late", 5s}};
  for (const Way& way : ways) {
    Shell s;
    s.open(1);
    s.path.arm({0, "response_entered", 1, way.fault, way.hold, way.most});
    s.in(1, from_host, response(1));
    s.pass(way.after - 1ns);
    EXPECT_EQ(s.to_terminal(), Bytes{});
    s.pass(1ns);
    EXPECT_EQ(s.to_terminal(), response(1));
    EXPECT_EQ(s.fired(0), way.fired) << way.fault.kind << " " << way.most.count();
  }
  Shell s;  // the twin of the last: a fault that comes in time
  s.open(1);
  s.hold(0, "response_entered", 5s);
  s.in(1, from_host, response(1));
  s.pass(4s);
  s.confirm(0, true);
  EXPECT_EQ(s.to_terminal(), response(1));
  EXPECT_EQ(s.fired(0), "");
}

TEST(PathFaults, OpaqueBytesAreNoMessages) {
  Shell s;
  s.path = Path(HostProfile{}, nullptr, true);
  s.open(1);
  s.arm(0, "response_entered", {NetworkFault::drop, 0s});
  s.in(1, from_host, first(response(1), 5));
  EXPECT_EQ(s.to_terminal(), first(response(1), 5)) << "at once";
  s.set({true, 10s});
  s.in(1, from_host, Bytes(3, 0xff));
  EXPECT_EQ(s.to_terminal(), first(response(1), 5));
  s.pass(10s);
  EXPECT_EQ(s.to_terminal(), first(response(1), 5) + Bytes(3, 0xff)) << "late";
  s.end(1, from_host);
  EXPECT_EQ(s.end_at_terminal(), "fin");
  EXPECT_EQ(s.count("response_entered") + s.count("garbage"), 0);
  Shell twin;
  twin.open(1);
  twin.arm(0, "response_entered", {NetworkFault::drop, 0s});
  twin.in(1, from_host, response(1));
  EXPECT_EQ(twin.to_terminal(), Bytes{});
}

}  // namespace
}  // namespace swiperig
