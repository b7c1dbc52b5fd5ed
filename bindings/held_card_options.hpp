// How a case presents a card that is held to the terminal: put into its chip slot, or tapped on its contactless field.
#pragma once

#include <string>

#include "bindings/sweep.hpp"
#include "rig/case.hpp"

namespace swiperig {

/// `{ dwell = "6 s" }`, and where it is not as usual depth = "20 mm", speed = "80 mm/s"; the card is pulled when the
/// dwell is over, whatever the terminal is doing. `dwell` and `depth` may be swept; the step is the case's first.
/// Throws ConfigError.
Dip read_dip(const Value&, const std::string& card, Sweeps&);

/// `{ hold = "800 ms" }`, and above the taught place height = "15 mm"; both may be swept.
CardTap read_tap(const Value&, const std::string& card, Sweeps&);

}  // namespace swiperig
