// Bench time: nanoseconds since the bench was put together, and the two ways people write durations.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace swiperig {

using Duration = std::chrono::nanoseconds;
struct BenchEpoch {};
using Time = std::chrono::time_point<BenchEpoch, Duration>;
inline constexpr Time never = Time::max();

/// "1.234 s", "3 ms", "250 us": the largest unit that keeps at most six digits after the point.
std::string to_text(Duration);
/// "12.34" from 1234 minor units.
std::string amount_text(std::int64_t amount_minor);

}  // namespace swiperig
