// What a cycle led to, as a test asks it: whether the money balances and where it went, how long it took until the till
// sold again, and the few events that decided. Made from one record, as explain is, and shorter: this is what stands
// under a failing assertion.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rig/trace.hpp"

namespace swiperig {

/// One attempt as the three books have it; states are "" where a book has nothing.
struct MoneyRow {
  std::string batch, stan;
  bool of_case = false;  ///< not the recovery sale's, nor an original's
  std::int64_t requested_minor = 0;
  std::string told, journal, ledger;
  std::int64_t told_minor = 0, journal_minor = 0, ledger_minor = 0;
};

struct Money {
  bool balanced = false;  ///< both books were read, no rule about money (I1 to I10) is broken, and no doubt is left
  std::string sentence;   ///< "no money was taken: told UNKNOWN 12.34, journal nothing, ledger reversed 12.34"
  std::vector<MoneyRow> rows;
};
Money money_of(const Scope&, const CycleRecord&);

/// From the moment at which the case first did something other than swiping (without such a step: from its beginning)
/// to an approved recovery sale and the end of every doubt. Nothing: there was none.
std::optional<Duration> recovery_of(const Case&, const CycleRecord&);

/// At most `most` events in order: what findings cite, then what the diagnosis cites, then what was done and told.
std::vector<const Event*> decisive(const Case&, const CycleRecord&, std::size_t most = 5);

/// Money, why, and the decisive events, a line each; `more`: how to see the rest.
std::string failure_text(const Case&, const Scope&, const CycleRecord&, const std::string& more);

}  // namespace swiperig
