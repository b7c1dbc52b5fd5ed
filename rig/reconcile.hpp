// Three books and the wire against each other: the invariants of DOMAIN.md 3.5 over one replayed cycle. Every finding
// says what happened to whose money and cites the events that prove it; every invariant is either checked or named as
// not observable on this bench.
#pragma once

#include <string>
#include <vector>

#include "rig/cycle_books.hpp"
#include "rig/transaction.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

struct Reconciliation {
  std::vector<Finding> findings;
  std::vector<std::string> checked, not_observable, not_reached;
  CycleBooks books;
  Duration in_doubt{};  ///< from the first request without a usable response to the end of its doubt
};

Reconciliation reconcile(const Transaction&, const Scope&);

}  // namespace swiperig
