// What else a diagnosis has considered: each cause has others that look like it (DOMAIN.md 3.3, "apart"), and each of
// those is ruled out by an event that speaks against it, or stays open.
#pragma once

#include "rig/transaction.hpp"

namespace swiperig {

struct Sight {
  std::uint64_t card_read = 0;  ///< the card that was swiped was read, in this sale or another of the cycle
  const Transaction& t;
  const Attempt* a;  ///< that decides; null: none
  Mark told;         ///< when the case was over for whoever waits at the terminal
  const Scope& scope;
};

/// Fills in what is ruled out and what stays open, of a diagnosis that names a cause.
void rule_out(Diagnosis&, const Sight&);

}  // namespace swiperig
