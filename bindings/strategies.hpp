// Strategies of the problem as data: `with = { terminal = {...}, host = {...}, operator = {...}, reader = {...} }`
// switches what the terminal's profile, the host, the people at the till and the stand-in reader do. A campaign does
// each fault of a strategy in pairs of cycles on benches that differ in nothing but that, with the same draws: of a
// fault that is swept, one place drawn for each pair. A fault may have switches of its own, which hold in both.
#pragma once

#include "bindings/campaign_file.hpp"

namespace swiperig {

/// Throws ConfigError, also for switches that there are not.
Strategy read_strategy(const Value&);

/// Puts the cases of every strategy, with and without, in place of the campaign's. Throws ConfigError where a fault is
/// none of them, nothing is switched, the bench cannot do it or is not virtual. Without strategies nothing happens.
void add_trials(Campaign&, const BenchFile&);

/// Of cycle 2n without the strategy, of 2n+1 with it.
const Case& trial_case(const Campaign&, std::uint64_t seed, std::int64_t cycle);
const BenchFile& trial_bench(const Campaign&, std::int64_t cycle);
/// The number of the draws that it makes: those of a fault in one round are the same whatever the strategy.
std::int64_t trial_draws(const Campaign&, std::int64_t cycle);

}  // namespace swiperig
