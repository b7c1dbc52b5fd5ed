// Intervals against published values and against what must hold of every interval.
#include "rig/statistics.hpp"

#include <gtest/gtest.h>

namespace swiperig {
namespace {

TEST(Statistics, WilsonOfAShare) {
  EXPECT_NEAR(wilson(81, 263).low, 0.2553, 5e-5) << "Newcombe 1998, table I";
  EXPECT_NEAR(wilson(81, 263).high, 0.3662, 5e-5);
  EXPECT_NEAR(wilson(15, 148).low, 0.0624, 5e-5);
  EXPECT_NEAR(wilson(15, 148).high, 0.1605, 5e-5);
  EXPECT_EQ(wilson(0, 20).low, 0);
  EXPECT_NEAR(wilson(0, 20).high, 0.1611, 5e-5);
  EXPECT_EQ(wilson(20, 20).high, 1);
  EXPECT_EQ(wilson(0, 0).low, 0) << "of nothing nothing is known";
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(Statistics, NewcombeOfAChangeInPairs) {
  // 36 in both, 12 in the first alone, 2 in the second alone: a loss of a fifth
  const Interval loss = newcombe_paired({36, 12, 2, 0});
  EXPECT_NEAR(loss.low, -0.3404, 5e-4);
  EXPECT_NEAR(loss.high, -0.0569, 5e-4);
  const Interval gain = newcombe_paired({36, 2, 12, 0});
  EXPECT_NEAR(gain.low, -loss.high, 1e-12) << "the other way round";
  EXPECT_NEAR(gain.high, -loss.low, 1e-12);
  const Interval cured = newcombe_paired({0, 40, 0, 0});
  EXPECT_NEAR(cured.low, -1, 1e-12);
  EXPECT_LT(cured.high, -0.87);
  const Interval same = newcombe_paired({20, 0, 0, 20});
  EXPECT_LT(same.low, 0);
  EXPECT_GT(same.high, 0);
  EXPECT_LT(same.high - same.low, newcombe_paired({10, 10, 10, 10}).high - newcombe_paired({10, 10, 10, 10}).low)
      << "what goes together varies less";
  EXPECT_EQ(newcombe_paired({}).low, -1);
  EXPECT_EQ(newcombe_paired({}).high, 1);
}

TEST(Statistics, StudentOfAMean) {
  // 1 to 10: mean 5.5, standard deviation 3.02765, quantile 2.262157 of nine degrees
  const Interval mean = mean_interval(10, 55, 385);
  EXPECT_NEAR(mean.low, 3.33415, 1e-5);
  EXPECT_NEAR(mean.high, 7.66585, 1e-5);
  EXPECT_EQ(mean_interval(5, 15, 45).low, 3) << "all alike";
  EXPECT_EQ(mean_interval(5, 15, 45).high, 3);
}

}  // namespace
}  // namespace swiperig
