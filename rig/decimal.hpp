// Numbers in plain decimals, as instruments are told them and tell them: sign, digits, point, never an exponent.
#pragma once

#include <string>

namespace swiperig {

/// `value` to so many places, 0 to 4; halves go away from zero.
std::string decimal(double value, int places = 3);

}  // namespace swiperig
