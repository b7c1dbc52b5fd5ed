// What a terminal must do when one of its parts fails, as rules of DOMAIN.md that need no more than what was seen:
// R_STANDS (3.2 P15), R_TAMPER and R_CLOCK (3.3 17, 18), R_CHIP (2.7), R_FALLBACK (3.3 19), and that an approved sale
// which nobody was told can be asked for (I2).
#pragma once

#include "rig/transaction.hpp"

namespace swiperig {

/// The rules a bench with this scope can check, by name.
std::vector<std::string> part_rules(const Scope& scope);
std::vector<Finding> part_findings(const Transaction& t, const Scope& scope);

}  // namespace swiperig
