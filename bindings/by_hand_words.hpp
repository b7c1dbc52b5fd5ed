// What is done by hand, as it is said: `swipe = "500 mm/s"` with `card`, `dip`, `tap`, `press = "1 2 OK"`; `power`
// "off", "on" or "read"; `brown_out`, `network`, `host` and `part` as in a step of a case (bindings/campaign_file.hpp),
// of the network what holds from now on; `wait = "30 s"`, until a milestone where `until` names one; `mend = true`.
#pragma once

#include "rig/hands.hpp"

namespace swiperig {

class Value;
struct BenchFile;

/// `said`: a table. Throws ConfigError, also where the bench cannot do or see it.
ByHand read_by_hand(const Value& said, const BenchFile&);

}  // namespace swiperig
