// What the faults of a case come to, found out by doing it again without each of them on fresh virtual benches: a fault
// without which everything looks the same has induced nothing, and where nobody at the terminal notices any difference
// from the undisturbed case, "none" is what a diagnosis has to say. So the diagnosis of random faults and of every two
// cases together can be judged although nobody wrote down what to expect.
#pragma once

#include <optional>
#include <vector>

#include "bindings/campaign_file.hpp"
#include "rig/random.hpp"

namespace swiperig {

/// What is seen when the case is done once, on a fresh virtual bench. Throws what run_bench throws.
std::vector<Event> seen_of(const Case&, const BenchFile&, const DrawPlace& place);

/// The case with its `causes`: every answer that is right. Of two cases together (add_pairs) whose faults both act it
/// is the one that the reviewed table says (rig/cause_pairs.hpp), and where that has no row either. Its bench must be
/// virtual; `place` is where its draws are made. Throws what run_bench throws.
Case attributed(Case, const BenchFile&, const DrawPlace& place);

/// The case of a cycle, whose draws are made at `place`: written or drawn, and tried where the campaign wants that.
Case case_at(const Campaign&, const BenchFile&, std::uint64_t seed, std::int64_t cycle, const DrawPlace& place);

/// Both cases' faults in one case; nothing where both say how the card is swiped or the amount keyed, or differ in what
/// they are about.
std::optional<Case> together(const Case&, const Case&);

/// Of a campaign with `pairs`, every two cases that its bench can do together, behind the others. Throws ConfigError
/// where cases must be tried and the bench is not virtual.
void add_pairs(Campaign&, const BenchFile&);

}  // namespace swiperig
