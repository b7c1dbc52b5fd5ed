// Where along a sweep the end of a cycle changes, as DOMAIN.md 3.6 looks for it: a coarse step first, between two
// neighbours that ended otherwise a bisection down to the finest step, and both sides of each border that is left over
// and over, since a border is a real change only if its sides still differ then. Which places come next follows from
// how those before ended and from nothing else. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "rig/verdict.hpp"

namespace swiperig {

/// The points that a cycle came to, its cause, and whether it was in doubt or broke a rule: "P13 power, in doubt".
std::string how_it_ended(const Verdict&);

/// One value of a sweep, and how often cycles at it ended how.
struct SweptPlace {
  bool first = true;  ///< of the coarse step
  std::map<std::string, std::int64_t> ends;

  std::int64_t done() const;
  /// How most ended; of equally many the first in the alphabet. "": none was done.
  std::string mostly() const;
};

/// The places to be done next, each as often as it stands here; empty: every border is found, and each of its sides was
/// done `repeats` times.
std::vector<std::size_t> next_places(std::span<const SweptPlace>, std::int64_t repeats);

/// Two neighbouring values on either side of which most ended otherwise.
struct Border {
  std::size_t before = 0, behind = 0;
  /// What most of `before` did was so much rarer behind it that the two intervals (Wilson, 95 %) are apart.
  bool differ = false;
};
std::vector<Border> borders(std::span<const SweptPlace>);

}  // namespace swiperig
