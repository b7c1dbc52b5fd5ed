// How a campaign file tells a swipe: `swipe = "500 mm/s"`, or a table of what is not ordinary about it. In a case that
// measures, exactly one of card, speed, acceleration and reader_passes is a list, and the case is done at each of its
// places.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rig/event.hpp"

namespace swiperig {

class Value;

struct SwipeAt {
  Swipe swipe;
  std::string axis, at;  ///< "speed", "500 mm/s"; "" of a case that does not measure
  std::int64_t reader_passes = 0;
};

/// Never empty. `measure` is null in a case that does not measure; `reader_passes` may be. Throws ConfigError.
std::vector<SwipeAt> read_swipes(const Value& card, const Value& swipe, const Value* reader_passes,
                                 const Value* measure);

}  // namespace swiperig
