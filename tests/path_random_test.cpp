// Random sequences through the path: nothing is invented, nothing reordered, and without armed steps nothing is lost.
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
