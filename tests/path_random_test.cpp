// Random sequences through the path: without armed steps nothing is lost; whatever is armed of what holds back or
// loses, nothing is invented, reordered or left behind a gap; what changes messages does so to its own and no other.
#include <gtest/gtest.h>

#include "rig/random.hpp"
#include "tests/path_shell.hpp"

namespace swiperig {
namespace {

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
      const NetworkFault::Kind kinds[] = {NetworkFault::drop, NetworkFault::delay,  NetworkFault::outage,
                                          NetworkFault::fin,  NetworkFault::reset,  NetworkFault::cut,
                                          NetworkFault::rate, NetworkFault::jitter, NetworkFault::unanswered};
      const NetworkFault::Kind kind = kinds[draws.below(9)];
      const Duration lasts = std::chrono::milliseconds(1 + draws.below(4000));
      const int nth = 1 + static_cast<int>(draws.below(3));
      NetworkFault fault{kind, lasts};
      fault.wait = std::chrono::milliseconds(1 + draws.below(900));
      fault.count = kind == NetworkFault::cut ? 1 + draws.below(60) : kind == NetworkFault::rate ? 10 : 0;
      fault.then = static_cast<NetworkFault::Ending>(draws.below(3));
      fault.side = static_cast<NetworkFault::Side>(draws.below(3));
      s.arm(++steps, from ? "request_entered" : "response_entered", fault, nth);
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

/// Messages of two connections with one fault that duplicates, reorders or changes: everybody else's bytes are as sent.
TEST(Path, AFaultThatChangesAMessageChangesNoOther) {
  const NetworkFault::Kind kinds[] = {NetworkFault::duplicate, NetworkFault::reorder, NetworkFault::alter,
                                      NetworkFault::replay};
  int changed = 0;
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    Draws draws(20261125, 0, n, 1);
    Shell s;
    for (const int c : {1, 2}) s.open(c);
    NetworkFault fault{kinds[draws.below(4)], 1s};
    fault.what = draws.below(2) == 0 ? "stan" : "bit";
    fault.count = 16 + draws.below(200);
    const int nth = 1 + static_cast<int>(draws.below(5));
    s.arm(0, "response_entered", fault, nth);
    std::map<int, Bytes> in, before, after;
    int struck = 0;
    const std::uint32_t length = 6 + draws.below(6);
    for (std::uint32_t i = 1; i <= length; ++i) {
      const int c = 1 + static_cast<int>(draws.below(2));
      const Bytes bytes = response(static_cast<int>(i));
      s.in(c, from_host, bytes);
      in[c] = in[c] + bytes;
      if (static_cast<int>(i) == nth) {
        struck = c;
      } else {
        Bytes& part = c == struck ? after[c] : before[c];
        part = part + bytes;
      }
    }
    s.pass(1h);
    for (const int c : {1, 2}) {
      const Bytes& out = s.out[{c, false}];
      if (c != struck) {
        ASSERT_EQ(out, in[c]) << n;
        continue;
      }
      // reorder moves it behind the next; the rest leaves it where it was
      if (fault.kind == NetworkFault::reorder) {
        ASSERT_EQ(out.size(), in[c].size()) << n;
        continue;
      }
      ASSERT_TRUE(std::equal(before[c].begin(), before[c].end(), out.begin())) << n;
      ASSERT_GE(out.size(), before[c].size() + after[c].size()) << n;
      ASSERT_TRUE(std::equal(after[c].rbegin(), after[c].rend(), out.rbegin())) << n;
    }
    changed += s.out[{struck, false}] != in[struck] ? 1 : 0;
  }
  EXPECT_GT(changed, 5'000);
}

}  // namespace
}  // namespace swiperig
