#include "rig/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace swiperig {

namespace {

constexpr double z = 1.959963984540054;  // two-sided 95 %

}  // namespace

Interval wilson(std::int64_t k, std::int64_t n) {
  if (n == 0) return {0, 1};
  const auto size = static_cast<double>(n);
  const double p = static_cast<double>(k) / size;
  const double middle = (p + z * z / (2 * size)) / (1 + z * z / size);
  const double half = z * std::sqrt(p * (1 - p) / size + z * z / (4 * size * size)) / (1 + z * z / size);
  // rounding must not push an end past what was seen
  return {k == 0 ? 0 : std::max(0.0, middle - half), k == n ? 1 : std::min(1.0, middle + half)};
}

Interval newcombe_paired(const PairCounts& c) {
  const std::int64_t n = c.pairs();
  if (n == 0) return {-1, 1};
  const auto size = static_cast<double>(n);
  const std::int64_t firsts = c.both + c.first, seconds = c.both + c.second;
  const double p1 = static_cast<double>(firsts) / size, p2 = static_cast<double>(seconds) / size;
  const Interval one = wilson(firsts, n), two = wilson(seconds, n);
  // how much the two go together; with Yates' correction where they do
  double phi = 0;
  const double margins = static_cast<double>(firsts) * static_cast<double>(n - firsts) * static_cast<double>(seconds) *
                         static_cast<double>(n - seconds);
  if (margins > 0) {
    double cross = static_cast<double>(c.both) * static_cast<double>(c.neither) -
                   static_cast<double>(c.first) * static_cast<double>(c.second);
    if (cross > 0) cross = std::max(cross - size / 2, 0.0);
    phi = cross / std::sqrt(margins);
  }
  const auto reach = [phi](double a, double b) { return std::sqrt(std::max(0.0, a * a - 2 * phi * a * b + b * b)); };
  const double difference = p2 - p1;
  return {difference - reach(p2 - two.low, one.high - p1), difference + reach(two.high - p2, p1 - one.low)};
}

Interval mean_interval(std::int64_t n, double sum, double sum_of_squares) {
  const auto size = static_cast<double>(n);
  const double mean = sum / size;
  const double variance = std::max(0.0, (sum_of_squares - sum * mean) / (size - 1));
  const boost::math::students_t t(size - 1);
  const double half = boost::math::quantile(t, 0.975) * std::sqrt(variance / size);
  return {mean - half, mean + half};
}

}  // namespace swiperig
