// The path decides what becomes of every byte. Whatever is armed, what comes out of a direction is the beginning of
// what went in: nothing invented, nothing out of order, nothing after a gap.
#include "rig/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "rig/random.hpp"
#include "tests/frames.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

constexpr bool from_terminal = true, from_host = false;

/// Carries orders out and remembers them.
struct Shell {
  Path path{HostProfile{}};
  Time now{};
  std::map<std::pair<int, bool>, Bytes> out;           ///< by connection and whether to the host
  std::map<std::pair<int, bool>, std::string> ending;  ///< of the same
  std::vector<Body> reports;
  bool after_the_end = false;

  void carry(Orders orders) {
    for (Order& order : orders) {
      if (auto* f = std::get_if<Forward>(&order)) {
        after_the_end = after_the_end || ending.contains({f->connection, f->to_host});
        Bytes& lane = out[{f->connection, f->to_host}];
        lane.insert(lane.end(), f->bytes.begin(), f->bytes.end());
        if (f->message == 0) continue;
        Orders more;
        path.sent(f->message, more);
        carry(std::move(more));
      } else if (const auto* h = std::get_if<HangUp>(&order)) {
        ending[{h->connection, h->host_side}] = h->how == Close::fin ? "fin" : h->how == Close::reset ? "reset" : "half";
      } else {
        reports.push_back(std::get<Report>(order).body);
      }
    }
  }
  template <class Call>
  void with(Call call) {
    Orders orders;
    call(orders);
    carry(std::move(orders));
  }
  void open(int c) {
    with([&](Orders& o) { path.opened(c, o); });
  }
  void in(int c, bool from, BytesView bytes) {
    with([&](Orders& o) { path.bytes(c, from, bytes, now, o); });
  }
  void end(int c, bool from, Close how = Close::fin) {
    with([&](Orders& o) { path.ended(c, from, how, o); });
  }
  void set(Impairment i) {
    with([&](Orders& o) { path.set(i, now, o); });
  }
  void confirm(int step, bool release) {
    with([&](Orders& o) { path.confirm(step, release, o); });
  }
  /// Lets time pass, ticking when due.
  void pass(Duration d) {
    const Time until = now + d;
    while (path.due() <= until) {
      now = std::max(now, path.due());
      with([&](Orders& o) { path.tick(now, o); });
      ASSERT_GT(path.due(), now) << "a due time that never passes: the shell would spin";
    }
    now = until;
  }
  void arm(int step, std::string when, NetworkFault fault, int nth = 1) { path.arm({step, std::move(when), nth, fault, false, {}}); }
  void hold(int step, std::string when, Duration most) { path.arm({step, std::move(when), 1, {}, true, most}); }

  int count(std::string_view milestone) const {
    return static_cast<int>(std::count_if(reports.begin(), reports.end(), [&](const Body& b) {
      const auto* m = std::get_if<Milestone>(&b);
      return m != nullptr && m->name == milestone;
    }));
  }
  /// "" when the step was not reported.
  std::string fired(int step) const {
    for (const Body& b : reports) {
      const auto* f = std::get_if<Fired>(&b);
      if (f != nullptr && f->step == step) return f->done ? "done" : "late";
    }
    return {};
  }
  Bytes to_host(int c = 1) { return out[{c, true}]; }
  Bytes to_terminal(int c = 1) { return out[{c, false}]; }
  std::string end_at_host(int c = 1) const { return end_at({c, true}); }
  std::string end_at_terminal(int c = 1) const { return end_at({c, false}); }
  std::string end_at(std::pair<int, bool> side) const {
    const auto it = ending.find(side);
    return it == ending.end() ? std::string() : it->second;
  }
};

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
  s.in(1, from_host, response(1));      // dropped
  s.in(2, from_host, response(2));      // delayed
  s.in(3, from_terminal, request(3));   // held
  s.end(5, from_terminal);              // the terminal gave up
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
struct Sequence {
  explicit Sequence(std::uint32_t number) : draws(20261123, 0, number, 1) {}

  void run(bool disturbed) {
    for (const int c : {1, 2}) s.open(c);
    const std::uint32_t length = 4 + draws.below(12);
    for (std::uint32_t i = 0; i < length; ++i) step(disturbed);
    for (const int c : {1, 2}) {
      for (const bool from : {true, false}) {
        if (ended[{c, from}]) continue;
        flush(c, from);
        s.end(c, from);
      }
    }
    s.pass(24h);
    for (const int c : {1, 2}) {
      for (const bool from : {true, false}) {
        const Bytes& fed = in[{c, from}];
        const Bytes& got = s.out[{c, from}];
        if (disturbed) {
          ASSERT_LE(got.size(), fed.size());
          ASSERT_TRUE(std::equal(got.begin(), got.end(), fed.begin())) << "reordered, invented or with a gap";
          complete = complete && got.size() == fed.size();
        } else {
          ASSERT_EQ(got, fed);
          ASSERT_EQ((s.ending[{c, from}]), "fin");
        }
      }
    }
    ASSERT_FALSE(s.after_the_end);
    ASSERT_LE(s.count("request_left"), s.count("request_entered"));
    ASSERT_LE(s.count("response_left"), s.count("response_entered"));
  }

  void step(bool disturbed) {
    const std::uint32_t what = draws.below(disturbed ? 14 : 7);
    const int c = 1 + static_cast<int>(draws.below(2));
    const bool from = draws.below(2) == 0;
    if (what < 5) {
      if (ended[{c, from}]) return;
      const int stan = ++stans;
      Bytes bytes = from ? request(stan) : response(stan);
      if (draws.below(20) == 0) bytes = Bytes(1 + draws.below(40), 0xFF);
      in[{c, from}] = in[{c, from}] + bytes;
      Bytes& rest = unsent[{c, from}];
      rest = rest + bytes;
      const std::size_t n = 1 + draws.below(static_cast<std::uint32_t>(rest.size()));
      const Bytes chunk(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n));
      rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n));
      s.in(c, from, chunk);
    } else if (what == 5) {
      s.pass(std::chrono::milliseconds(draws.below(3000)));
    } else if (what == 6) {
      if (ended[{c, from}]) return;
      ended[{c, from}] = true;
      flush(c, from);
      s.end(c, from);
    } else if (what < 11) {
      const auto kind = static_cast<NetworkFault::Kind>(draws.below(5));
      const Duration lasts = std::chrono::milliseconds(1 + draws.below(4000));
      const int nth = 1 + static_cast<int>(draws.below(3));
      s.arm(++steps, from ? "request_entered" : "response_entered", {kind, lasts}, nth);
    } else if (what == 11) {
      s.hold(++steps, from ? "request_entered" : "response_entered", std::chrono::milliseconds(1 + draws.below(4000)));
    } else if (what == 12) {
      const bool release = draws.below(2) == 0;
      s.confirm(1 + static_cast<int>(draws.below(4)), release);
    } else {
      const std::uint32_t kind = draws.below(3);
      s.set(kind == 0 ? Impairment{} : Impairment{true, kind == 1 ? Duration(0) : Duration(2s)});
    }
  }
  void flush(int c, bool from) {
    Bytes& rest = unsent[{c, from}];
    if (!rest.empty()) s.in(c, from, std::exchange(rest, {}));
  }

  Draws draws;
  Shell s;
  std::map<std::pair<int, bool>, Bytes> in, unsent;
  std::map<std::pair<int, bool>, bool> ended;
  int stans = 0, steps = 0;
  bool complete = true;
};

TEST(Path, EveryByteInIsAByteOutInOrder) {
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    Sequence sequence(n);
    sequence.run(false);
    ASSERT_FALSE(HasFatalFailure()) << "sequence " << n;
  }
}

TEST(Path, WhateverIsArmedWhatComesOutIsTheBeginningOfWhatWentIn) {
  int lost_something = 0;
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    Sequence sequence(n);
    sequence.run(true);
    ASSERT_FALSE(HasFatalFailure()) << "sequence " << n;
    lost_something += sequence.complete ? 0 : 1;
  }
  // the twin: the faults do happen
  EXPECT_GT(lost_something, 5'000);
  EXPECT_LT(lost_something, 19'500);
}

}  // namespace
}  // namespace swiperig
