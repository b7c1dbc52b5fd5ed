// Cases that claim no cause, so that nothing is expected of the diagnosis: of those that were drawn at random instead
// of written, a step whose moment never came is no fault of theirs either. Rules about money hold for all alike. Pure.
#pragma once

#include <string>
#include <string_view>

#include "rig/case.hpp"

namespace swiperig {

/// The cause of a drawn case: whatever it drew, if that acted at all.
inline constexpr std::string_view drawn_cause = "drawn";
inline bool is_drawn(const Case& c) { return c.cause == drawn_cause; }

/// Two cases in one, for which nobody wrote down what to expect.
inline constexpr std::string_view pair_prefix = "pair of ";

/// They are counted together by kind: "drawn sale" of "drawn sale 17"; pairs all together.
inline std::string row_of_drawn(const std::string& case_name) {
  if (case_name.starts_with(pair_prefix)) return "pairs of cases";
  return case_name.substr(0, case_name.rfind(' '));
}

/// The cause of a written case whose author leaves it open: the diagnosis is his to look at.
inline constexpr std::string_view unclaimed_cause = "unclaimed";
inline bool claims_no_cause(std::string_view cause) { return cause == drawn_cause || cause == unclaimed_cause; }

/// The kind of a case that is done by hand (rig/hands.hpp): it is there for its events.
inline constexpr std::string_view kind_by_hand = "by_hand";
inline bool is_by_hand(const Case& c) { return c.kind == kind_by_hand; }

}  // namespace swiperig
