// What a supply can do with its voltage over time: the staircase ends where and when it was told to, and one that is
// finer than the instrument is refused.
#include "drivers/supply_steps.hpp"

#include <gtest/gtest.h>

namespace swiperig {
namespace {

using namespace std::chrono_literals;

std::vector<RailStep> steps(std::int64_t from_mv, std::int64_t to_mv, Duration time, std::int64_t n = 0) {
  auto found = rail_steps(ScpiSettings{}, from_mv, to_mv, time, n);
  if (auto* why = std::get_if<std::string>(&found)) {
    ADD_FAILURE() << *why;
    return {};
  }
  return std::get<std::vector<RailStep>>(std::move(found));
}

std::string refused(std::int64_t from_mv, std::int64_t to_mv, Duration time, std::int64_t n = 0) {
  const auto found = rail_steps(ScpiSettings{}, from_mv, to_mv, time, n);
  const auto* why = std::get_if<std::string>(&found);
  return why == nullptr ? "" : *why;
}

TEST(SupplySteps, EndWhereAndWhenTheyShould) {
  for (const std::int64_t n : {2, 5, 10}) {
    const auto all = steps(5000, 3300, 200ms, n);
    ASSERT_EQ(all.size(), static_cast<std::size_t>(n));
    EXPECT_EQ(all.back().mv, 3300);
    EXPECT_EQ(all.back().after, Duration(200ms));
    std::int64_t before = 5000;
    for (const RailStep& step : all) {
      EXPECT_LT(step.mv, before);
      EXPECT_EQ(step.mv % 10, 0) << "finer than the instrument's 10 mV";
      before = step.mv;
    }
  }
  EXPECT_EQ(steps(3300, 5000, 100ms, 5)[0].mv, 3640);
  EXPECT_EQ(steps(5000, 3300, 0ms).size(), 1u);
}

TEST(SupplySteps, AreAsManyAsTheInstrumentCan) {
  EXPECT_EQ(steps(5000, 3300, 200ms).size(), 10u);  // 20 ms each
  EXPECT_EQ(steps(5000, 4970, 200ms).size(), 3u);   // 10 mV each
}

TEST(SupplySteps, FinerThanItCanIsRefused) {
  EXPECT_EQ(refused(5000, 3300, 39ms),
            "a ramp of 1700 mV in 39 ms is finer than this supply's steps of 20 ms and 10 mV: it takes two of them at "
            "least");
  EXPECT_EQ(refused(5000, 3300, 40ms), "");
  EXPECT_EQ(refused(5000, 3300, 200ms, 11),
            "11 steps in 200 ms are finer than the 20 ms that this supply takes for one");
  EXPECT_EQ(refused(5000, 3300, 200ms, 10), "");
  EXPECT_EQ(refused(5000, 4960, 200ms, 5), "5 steps over 40 mV are finer than this supply's 10 mV");
  EXPECT_EQ(refused(5000, 4960, 200ms, 4), "");
  EXPECT_EQ(refused(5000, 3300, 0ms, 5), "steps without a time to fall or to rise in");
}

TEST(SupplySteps, ABrownOutThatIsNoneOrTooFineIsRefused) {
  const auto why = [](BrownOut b) { return refusal(ScpiSettings{}, b).value_or(""); };
  EXPECT_EQ(why({3100, 80ms}), "");
  EXPECT_EQ(why({3100, 80ms, 200ms, 100ms, 5}), "");
  EXPECT_EQ(why({5000, 80ms}), "a brown-out to 5000 mV does not lower its 5000 mV");
  EXPECT_EQ(why({4990, 80ms}), "");
  EXPECT_EQ(why({3105, 80ms}), "a brown-out to 3105 mV is finer than this supply's 10 mV");
  EXPECT_EQ(why({3100, 19ms}), "a brown-out of 19 ms is shorter than the 20 ms that this supply takes for a command");
  EXPECT_EQ(why({3100, 80ms, 0ms, 0ms, 5}), "steps without a time to fall or to rise in");
  EXPECT_EQ(why({3100, 80ms, 200ms, 50ms, 5}),
            "5 steps in 50 ms are finer than the 20 ms that this supply takes for one");
}

}  // namespace
}  // namespace swiperig
