// Which of the points at which nothing comes back (DOMAIN.md 3.2, P1 to P21) a cycle reached: told afterwards from the
// books, the wire and what the rig did, because points that look alike from outside differ only there. A case that
// names a point counts only if it was reached; so no campaign can claim one that it never hit. Pure.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rig/case.hpp"
#include "rig/transaction.hpp"

namespace swiperig {

/// In the order of their numbers.
std::vector<std::string> points_reached(const Case&, const Transaction&, const Scope&, std::span<const Event>);

/// The points that a case says it is for: "P13 P14" names two. Empty where a word is none of P1 to P21.
std::vector<std::string> points_named(std::string_view text);

/// Whether a bench that sees what `scope` says can tell it from its neighbours.
bool observable(std::string_view point, const Scope& scope);

}  // namespace swiperig
