// Intervals of what was counted and of what was measured, two-sided 95 %, as DOMAIN.md 5.2 has them: Wilson's for a
// share, and for what a change did to pairs of cycles Newcombe's hybrid score interval of two shares of the same pairs
// (1998, method 10) and Student's of a mean. Pure.
#pragma once

#include <cstdint>

namespace swiperig {

struct Interval {
  double low = 0, high = 0;
};

/// Of k in n; all of [0, 1] where n is 0.
Interval wilson(std::int64_t k, std::int64_t n);

/// How often something was so in pairs of cycles: in both, in the first alone, in the second alone, in neither.
struct PairCounts {
  std::int64_t both = 0, first = 0, second = 0, neither = 0;
  std::int64_t pairs() const { return both + first + second + neither; }
};
/// Of the second's share less the first's; all of [-1, 1] without pairs.
Interval newcombe_paired(const PairCounts&);

/// Of the mean of n numbers with this sum and this sum of squares, in their unit. Fewer than two have none: `n` at
/// least 2.
Interval mean_interval(std::int64_t n, double sum, double sum_of_squares);

}  // namespace swiperig
