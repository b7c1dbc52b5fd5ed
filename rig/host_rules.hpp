// The host's own duties (DOMAIN.md 2.8): what it says and what its book has must be the same. Where they are not, the
// fault is the host's, and the terminal is judged by what it was told. Only what came from the host itself counts, as
// the path had it before anything was changed, and only a book that was read afterwards with the batch still open.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rig/attempt_facts.hpp"

namespace swiperig {

inline constexpr const char* host_rules[] = {"H_UNDONE", "H_DECLINED", "H_ONCE", "H_BOOKED"};

struct HostFault {
  Finding finding;
  std::int64_t said_minor = 0;  ///< what it would hold if its book were as it says
};
/// Of an attempt; by the first of host_rules that it breaks.
std::optional<HostFault> host_fault(const AttemptFacts&, const Attempt&);

/// H_TOTALS: the totals that it told in a settlement are neither its book's nor those that it was asked about.
std::optional<Finding> host_totals(const AttemptFacts&);

/// Count and net sum of a settlement's field 48: a local and a foreign half of debit sum (12) and count (3), credit sum
/// and count, flag.
struct StatedTotals {
  std::int64_t count = 0, amount_minor = 0;
  bool operator==(const StatedTotals&) const = default;
};
std::optional<StatedTotals> stated_totals(const std::string& field48);

}  // namespace swiperig
