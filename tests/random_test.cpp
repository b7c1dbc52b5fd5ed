// A draw is a function of its place and of nothing else, and its distributions are what they say.
#include "rig/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace swiperig {
namespace {

using Block = std::array<std::uint32_t, 4>;

TEST(Random, PhiloxKnownAnswers) {
  // the three vectors of the authors' kat_vectors for philox4x32-10
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
  // the twin: one bit of counter or key gives another block
  EXPECT_NE(philox({1, 0, 0, 0}, {0, 0}), philox({0, 0, 0, 0}, {0, 0}));
  EXPECT_NE(philox({0, 0, 0, 0}, {0, 1}), philox({0, 0, 0, 0}, {0, 0}));
}

TEST(Random, ADrawDependsOnItsPlaceOnly) {
  const auto first = [](std::uint64_t seed, std::uint32_t epoch, std::uint32_t cycle, std::uint32_t source) {
    Draws d(seed, epoch, cycle, source);
    return d.next();
  };
  // another source drawing more, or a source that is gone, shifts nothing
  Draws a(1, 2, 3, 4), b(1, 2, 3, 5);
  std::vector<std::uint64_t> alone, beside;
  for (int i = 0; i < 100; ++i) alone.push_back(a.next());
  Draws again(1, 2, 3, 4);
  for (int i = 0; i < 100; ++i) {
    for (int other = 0; other < i; ++other) b.next();
    beside.push_back(again.next());
  }
  EXPECT_EQ(alone, beside);
  // the twin: any part of the place changes it
  const std::set<std::uint64_t> places = {first(1, 2, 3, 4), first(2, 2, 3, 4),          first(1, 3, 3, 4),
                                          first(1, 2, 4, 4), first(1, 2, 3, 5),          first(1, 2, 4, 3),
                                          first(1, 3, 2, 4), first(1ULL << 32, 2, 3, 4), first(0, 2, 3, 4)};
  EXPECT_EQ(places.size(), 9U);
  EXPECT_EQ(std::set(alone.begin(), alone.end()).size(), 100U);
  const DrawPlace place{1, 2, 3};
  Draws at_place(place, 4);
  EXPECT_EQ(at_place.next(), alone.front());
}

TEST(Random, NormalHasMeanZeroAndDeviationOne) {
  Draws d(42, 0, 0, 0);
  constexpr int n = 1'000'000;
  double sum = 0, squares = 0, cubes = 0, largest = 0;
  int within_one = 0;
  for (int i = 0; i < n; ++i) {
    const double x = d.normal();
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    largest = std::max(largest, std::abs(x));
    within_one += std::abs(x) < 1 ? 1 : 0;
  }
  EXPECT_NEAR(sum / n, 0, 0.005);
  EXPECT_NEAR(std::sqrt(squares / n), 1, 0.005);
  EXPECT_NEAR(cubes / n, 0, 0.01);
  EXPECT_LE(largest, 3.4642);
  EXPECT_GT(largest, 3);
  // a sum of four uniforms, not one: a uniform of deviation 1 has 0.577 within one deviation
  EXPECT_NEAR(within_one / double{n}, 0.67, 0.01);
}

TEST(Random, UniformAndBelowFillTheirRange) {
  Draws d(7, 1, 1, 1);
  std::array<int, 7> count{};
  double sum = 0;
  for (int i = 0; i < 70'000; ++i) {
    const double u = d.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
    const std::uint32_t k = d.below(7);
    ASSERT_LT(k, 7U);
    ++count[k];
  }
  EXPECT_NEAR(sum / 70'000, 0.5, 0.01);
  for (const int c : count) EXPECT_NEAR(c, 10'000, 500);
  EXPECT_EQ(d.below(1), 0U);
}

}  // namespace
}  // namespace swiperig
