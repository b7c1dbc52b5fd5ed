// Cases drawn at random: any kind of transaction that the terminal has, mostly swiped well, disturbed by faults out of
// every table (rig/network_faults.def, host_behaviours.def, parts.def, the power) at any milestone. The case of a cycle
// is a function of the seed of the run, the number of the cycle, the campaign and the bench, so that none has to be
// kept. A drawn case claims no cause, and a fault in it whose moment never comes is no fault of the case.
#pragma once

#include "bindings/campaign_file.hpp"

namespace swiperig {

/// The case of cycle `number`; the bench can do it. Throws ConfigError when the bench can do next to nothing.
Case draw_case(const RandomCases&, const BenchFile&, std::uint64_t seed, std::int64_t number);

}  // namespace swiperig
