// What a case has come to for the people at the till at the moment at which the next customer comes: whether they know
// how it ended, whether the goods are paid for, and how much of a cardholder's money is gone without anybody there
// knowing. A strategy is worth what it changes of these. Pure.
#pragma once

#include <cstdint>

namespace swiperig {

struct Transaction;

struct Effect {
  bool known = false;           ///< approval or decline was told, or found out
  bool sold = false;            ///< known to be approved
  std::int64_t held_minor = 0;  ///< taken from the cardholder, not given back, and not known to be approved
};

Effect effect_of(const Transaction&);

}  // namespace swiperig
