// What a case induces, one fault at a time, and what could be seen of a cycle: whether a fault changed anything is told
// by doing the case again without it and comparing what was seen. The cause of a fault is said here from the tables of
// DOMAIN.md 2.5 and 3.3 alone and shares nothing with diagnose, which it is used to judge. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rig/case.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

/// A fault of a case, and the case as it would be without it.
struct Induced {
  std::vector<std::string> causes;  ///< of rig/causes.def, any of them; "none": nothing that anybody should notice
  Case without;
};

/// Every fault of the case: each of its steps, a swipe that no reader has to take, a card that is worn out, an amount
/// keyed wrong. `good_card` is a slot whose card every reader reads.
std::vector<Induced> induced(const Case&, const Scope&, const std::string& good_card);
/// None of its faults.
Case undisturbed(const Case&, const Scope&, const std::string& good_card);

/// What was seen of a case until its result was told, or until the recovery, without times and what follows from them:
/// sorted, for comparing.
std::vector<std::string> traits(std::span<const Event> events);
/// Of that, what the people at the terminal see of the result.
std::vector<std::string> noticed(std::span<const Event> events);

}  // namespace swiperig
