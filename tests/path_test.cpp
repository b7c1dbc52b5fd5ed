// The path decides what becomes of every byte. Whatever is armed, what comes out of a direction is the beginning of
// what went in: nothing invented, nothing out of order, nothing after a gap.
#include "rig/path.hpp"

#include <gtest/gtest.h>

#include "tests/path_shell.hpp"

namespace swiperig {
namespace {

TEST(Path, ASplitAtAnyByteChangesNothing) {
  const Bytes stream = request(1) + request(2) + request(3);
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    SCOPED_TRACE(at);
    Shell s;
    s.open(1);
    s.arm(0, "request_entered", {NetworkFault::drop, 0s}, 3);
    const BytesView all(stream);
    if (at > 0) s.in(1, from_terminal, all.first(at));
    // nothing of a message goes on before it is whole
    ASSERT_EQ(s.to_host().size() % request(1).size(), 0U);
    if (at < stream.size()) s.in(1, from_terminal, all.subspan(at));
    ASSERT_EQ(s.to_host(), request(1) + request(2));
    ASSERT_EQ(s.count("request_entered"), 3);
    ASSERT_EQ(s.count("request_left"), 2);
    ASSERT_EQ(s.fired(0), "done");
  }
}

TEST(Path, DropTakesTheNthMessageAndTheRestOfItsDirection) {
  for (const int nth : {1, 2, 3}) {
    Shell s;
    s.open(1);
    s.arm(4, "response_entered", {NetworkFault::drop, 0s}, nth);
    Bytes expected;
    for (int n = 1; n <= 4; ++n) {
      s.in(1, from_terminal, request(n));
      s.in(1, from_host, response(n));
      if (n < nth) expected = expected + response(n);
    }
    EXPECT_EQ(s.to_terminal(), expected);
    EXPECT_EQ(s.to_host(), request(1) + request(2) + request(3) + request(4)) << "the other direction is whole";
    EXPECT_EQ(s.count("response_left"), nth - 1);
    EXPECT_EQ(s.fired(4), "done");
    s.end(1, from_host);
    EXPECT_EQ(s.end_at_terminal(), "") << "the end of the stream was lost with what was before it";
    s.pass(1h);
    EXPECT_EQ(s.to_terminal(), expected);
  }
  Shell honest;  // the twin: nothing armed, or armed for a message that never comes
  honest.open(1);
  honest.arm(4, "response_entered", {NetworkFault::drop, 0s}, 9);
  honest.in(1, from_host, response(1));
  honest.end(1, from_host);
  EXPECT_EQ(honest.to_terminal(), response(1));
  EXPECT_EQ(honest.end_at_terminal(), "fin");
  EXPECT_EQ(honest.fired(4), "");
}

TEST(Path, DropIsPerConnection) {
  Shell s;
  s.open(1);
  s.open(2);
  s.arm(0, "response_entered", {NetworkFault::drop, 0s});
  s.in(1, from_host, response(1));
  s.in(2, from_host, response(2));
  s.in(1, from_host, response(3));
  EXPECT_TRUE(s.to_terminal(1).empty());
  EXPECT_EQ(s.to_terminal(2), response(2));
}

TEST(Path, TwoConnectionsDoNotMix) {
  Shell s;
  s.open(1);
  s.open(2);
  const Bytes a = request(1), b = request(2);
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size()) s.in(1, from_terminal, BytesView(a).subspan(i, 1));
    if (i < b.size()) s.in(2, from_terminal, BytesView(b).subspan(i, 1));
  }
  EXPECT_EQ(s.to_host(1), a);
  EXPECT_EQ(s.to_host(2), b);
  s.end(1, from_terminal);
  EXPECT_EQ(s.end_at_host(1), "fin");
  EXPECT_EQ(s.end_at_host(2), "");
}

TEST(Path, DelayKeepsTheOrderBehindIt) {
  Shell s;
  s.open(1);
  s.arm(0, "response_entered", {NetworkFault::delay, 3s});
  s.in(1, from_host, response(1));
  s.pass(1s);
  s.in(1, from_host, response(2));
  s.in(1, from_terminal, request(3));
  s.end(1, from_host);
  s.pass(1999ms);
  EXPECT_TRUE(s.to_terminal().empty());
  EXPECT_EQ(s.end_at_terminal(), "");
  EXPECT_EQ(s.to_host(), request(3)) << "the other direction does not wait";
  s.pass(1ms);
  EXPECT_EQ(s.to_terminal(), response(1) + response(2));
  EXPECT_EQ(s.end_at_terminal(), "fin");
  EXPECT_FALSE(s.after_the_end);
  EXPECT_EQ(s.count("response_left"), 2);
  EXPECT_EQ(s.path.due(), never);
}

TEST(Path, AnOutageHoldsAndDeliversLate) {
  Shell s;
  s.open(1);
  s.arm(0, "request_entered", {NetworkFault::outage, 5s});
  s.in(1, from_terminal, request(1));
  s.in(1, from_host, response(9));
  s.end(1, from_terminal);
  s.pass(4999ms);
  EXPECT_TRUE(s.to_host().empty());
  EXPECT_TRUE(s.to_terminal().empty());
  EXPECT_EQ(s.end_at_host(), "") << "nobody is told";
  s.pass(1ms);
  EXPECT_EQ(s.to_host(), request(1));
  EXPECT_EQ(s.to_terminal(), response(9));
  EXPECT_EQ(s.end_at_host(), "fin");
  EXPECT_FALSE(s.after_the_end);
}

/// What enters at the moment or later meets the condition, though nobody woke in time to say that it has come.
TEST(Path, AConditionComesAtItsMomentHoweverLateAnybodyLooks) {
  for (const char* when : {"connected", "request_entered", "request_left"}) {
    for (const Duration enters : {2999999ns, 3000000ns, 3000001ns, 50000000ns}) {
      Shell s;
      s.path.arm({4, when, 1, {NetworkFault::outage, 5s}, false, {}, 3ms});
      s.open(1);
      s.in(1, from_terminal, request(1));
      EXPECT_EQ(s.to_host(), request(1)) << when;
      EXPECT_EQ(s.fired(4), "");
      EXPECT_EQ(s.path.due(), Time(3ms)) << when;
      s.now = Time(enters);  // nothing ticks
      s.in(1, from_host, response(1));
      const bool before = enters < 3ms;
      EXPECT_EQ(s.to_terminal(), before ? response(1) : Bytes{}) << when << " " << enters.count();
      EXPECT_EQ(s.fired(4), before ? "" : "done");
      s.pass(6s);
      EXPECT_EQ(s.to_terminal(), response(1)) << "it ends 5 s after it was to begin";
      EXPECT_EQ(s.fired(4), "done");
    }
  }
}

TEST(Path, WhatWasToComeIsForgottenWithTheCase) {
  Shell s;
  s.path.arm({4, "request_left", 1, {NetworkFault::outage}, false, {}, 3ms});
  s.open(1);
  s.in(1, from_terminal, request(1));
  s.set({});
  s.pass(10ms);
  s.in(1, from_host, response(1));
  EXPECT_EQ(s.to_terminal(), response(1));
  EXPECT_EQ(s.fired(4), "");
}

TEST(Path, TheEndOfAConnectionDoesNotCrossAnOutage) {
  for (const Close how : {Close::fin, Close::reset}) {
    Shell s;
    s.open(1);
    s.set({true, 5s});
    s.end(1, from_terminal, how);
    EXPECT_EQ(s.end_at_host(), "");
    s.pass(5s);
    EXPECT_EQ(s.end_at_host(), how == Close::fin ? "fin" : "reset");
    Shell open;  // the twin
    open.open(1);
    open.end(1, from_terminal, how);
    EXPECT_EQ(open.end_at_host(), how == Close::fin ? "fin" : "reset");
  }
}

TEST(Path, AnOutageOutlastsWhatIsDueWithinIt) {
  Shell s;
  s.open(1);
  s.arm(0, "response_entered", {NetworkFault::delay, 1s});
  s.in(1, from_host, response(1));
  s.set({true, 10s});
  s.pass(9s);
  EXPECT_TRUE(s.to_terminal().empty());
  s.pass(1s);
  EXPECT_EQ(s.to_terminal(), response(1));
  // an outage without end that becomes one with an end lets go what it held
  s.set({true, 0s});
  s.in(1, from_host, response(2));
  s.pass(1h);
  EXPECT_EQ(s.to_terminal(), response(1));
  s.set({true, 2s});
  s.in(1, from_host, response(3));
  s.pass(2s);
  EXPECT_EQ(s.to_terminal(), response(1) + response(2) + response(3));
}

TEST(Path, FinAndResetComeInsteadOfTheMessageOnBothSides) {
  for (const auto kind : {NetworkFault::fin, NetworkFault::reset}) {
    const std::string how = kind == NetworkFault::fin ? "fin" : "reset";
    Shell s;
    s.open(1);
    s.arm(0, "request_entered", {NetworkFault::delay, 1s});
    s.arm(2, "response_entered", {kind, 0s}, 2);
    s.in(1, from_terminal, request(1));
    s.in(1, from_host, response(1));
    EXPECT_EQ(s.end_at_terminal(), "");
    s.in(1, from_host, response(2) + response(3));
    EXPECT_EQ(s.to_terminal(), response(1));
    EXPECT_EQ(s.end_at_terminal(), how);
    EXPECT_EQ(s.end_at_host(), how);
    EXPECT_EQ(s.fired(2), "done");
    s.in(1, from_terminal, request(2));
    s.pass(1min);
    EXPECT_TRUE(s.to_host().empty()) << "what was delayed died with its connection";
    EXPECT_FALSE(s.after_the_end);
  }
}

TEST(Path, HeldUntilConfirmedThenLost) {
  Shell s;
  s.open(1);
  s.hold(3, "response_entered", 5s);
  s.in(1, from_host, response(1) + response(2));
  s.end(1, from_host);
  s.pass(4s);
  EXPECT_EQ(s.count("response_entered"), 2);
  EXPECT_TRUE(s.to_terminal().empty());
  s.confirm(3, false);
  s.in(1, from_host, response(3));
  s.pass(1h);
  EXPECT_TRUE(s.to_terminal().empty());
  EXPECT_EQ(s.end_at_terminal(), "");
  EXPECT_EQ(s.fired(3), "") << "whoever acts says that it is done";
}

TEST(Path, HeldUntilConfirmedThenReleased) {
  Shell s;
  s.open(1);
  s.hold(3, "request_entered", 5s);
  s.in(1, from_terminal, request(1) + request(2));
  s.end(1, from_terminal);
  s.confirm(2, true);  // somebody else's
  EXPECT_TRUE(s.to_host().empty());
  s.confirm(3, true);
  EXPECT_EQ(s.to_host(), request(1) + request(2));
  EXPECT_EQ(s.end_at_host(), "fin");
  EXPECT_FALSE(s.after_the_end);
  EXPECT_EQ(s.path.due(), never);
}

TEST(Path, HeldNoLongerThanAllowed) {
  Shell s;
  s.open(1);
  s.hold(3, "response_entered", 5s);
  s.in(1, from_host, response(1));
  s.pass(4999ms);
  EXPECT_EQ(s.fired(3), "");
  s.pass(1ms);
  EXPECT_EQ(s.to_terminal(), response(1));
  EXPECT_EQ(s.fired(3), "late");
  s.confirm(3, false);  // too late: it is gone, and what follows is not the step's
  s.in(1, from_host, response(2));
  EXPECT_EQ(s.to_terminal(), response(1) + response(2));
}

TEST(Path, AMessageHeldBehindADelayedOneIsConfirmedToo) {
  for (const bool release : {false, true}) {
    Shell s;
    s.open(1);
    s.arm(0, "response_entered", {NetworkFault::delay, 2s}, 1);
    s.path.arm({1, "response_entered", 2, {}, true, 10s});
    s.in(1, from_host, response(1) + response(2) + response(3));
    s.confirm(1, release);
    s.pass(1min);
    EXPECT_EQ(s.to_terminal(), release ? response(1) + response(2) + response(3) : response(1));
    EXPECT_EQ(s.fired(1), "");
  }
}

TEST(Path, NothingOfOneCaseArrivesInTheNext) {
  Shell s;
  for (const int c : {1, 2, 3, 4, 5}) s.open(c);
  s.arm(0, "response_entered", {NetworkFault::drop, 0s}, 1);
  s.arm(1, "response_entered", {NetworkFault::delay, 1min}, 2);
  s.hold(2, "request_entered", 1min);
  s.arm(3, "reversal_entered", {NetworkFault::drop, 0s}, 1);
  s.in(1, from_host, response(1));     // dropped
  s.in(2, from_host, response(2));     // delayed
  s.in(3, from_terminal, request(3));  // held
  s.end(5, from_terminal);             // the terminal gave up
  s.set({});
  for (const int c : {1, 2, 3, 5}) {
    EXPECT_EQ(s.end_at_host(c), "reset") << c;
    EXPECT_EQ(s.end_at_terminal(c), "reset") << c;
    s.in(c, from_host, response(10));
    s.in(c, from_terminal, request(10));
  }
  EXPECT_EQ(s.end_at_host(4), "") << "an undisturbed connection stays";
  s.pass(1h);
  for (const int c : {1, 2, 3, 5}) {
    EXPECT_TRUE(s.to_terminal(c).empty()) << c;
    EXPECT_TRUE(s.to_host(c).empty()) << c;
  }
  // armed steps and counts are forgotten
  s.open(6);
  s.in(6, from_terminal, frame("0400", 1));
  EXPECT_EQ(s.to_host(6), frame("0400", 1));
  s.arm(7, "response_entered", {NetworkFault::drop, 0s}, 1);
  s.in(6, from_host, response(20));
  EXPECT_EQ(s.fired(7), "done") << "the first of this case, not the third of the run";
  // an outage ends with its case
  s.set({true, 0s});
  s.open(8);
  s.in(8, from_terminal, request(1));
  s.set({});
  s.open(9);
  s.in(9, from_terminal, request(2));
  EXPECT_EQ(s.to_host(9), request(2));
  EXPECT_TRUE(s.to_host(8).empty());
}

TEST(Path, GarbageGoesOnUnreadAndIsReportedOnce) {
  Shell s;
  s.open(1);
  const Bytes junk(300, 0xFF);  // a length beyond any frame
  s.in(1, from_host, response(1) + junk);
  s.in(1, from_host, junk + response(2));
  EXPECT_EQ(s.to_terminal(), response(1) + junk + junk + response(2));
  EXPECT_EQ(s.count("garbage"), 1);
  EXPECT_EQ(s.count("response_entered"), 1) << "behind garbage nothing can be read";
  s.in(1, from_terminal, request(3));
  EXPECT_EQ(s.count("request_entered"), 1) << "the other direction is read on";
  Shell honest;
  honest.open(1);
  honest.in(1, from_host, response(1) + response(2));
  EXPECT_EQ(honest.count("garbage"), 0);
}

TEST(Path, ATruncatedMessageGoesOnBeforeTheFin) {
  const Bytes whole = response(1);
  for (std::size_t n = 1; n < whole.size(); ++n) {
    Shell s;
    s.open(1);
    s.in(1, from_host, BytesView(whole).first(n));
    EXPECT_TRUE(s.to_terminal().empty());
    s.end(1, from_host);
    ASSERT_EQ(s.to_terminal(), Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
    ASSERT_EQ(s.end_at_terminal(), "fin");
    ASSERT_FALSE(s.after_the_end);
    ASSERT_EQ(s.count("garbage"), 1);
    ASSERT_EQ(s.count("response_entered"), 0);
  }
}

TEST(Path, ARefusedHostIsAResetAtTheTerminal) {
  Shell s;
  s.with([&](Orders& o) { s.path.refused(1, o); });
  EXPECT_EQ(s.count("refused"), 1);
  EXPECT_EQ(s.end_at_terminal(), "reset");
  EXPECT_EQ(s.count("connected"), 0);
}

/// One random sequence; what went in and what came out are compared lane by lane.

}  // namespace
}  // namespace swiperig
