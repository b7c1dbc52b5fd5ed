// How somebody who dials is met: let in, or turned away in one of the ways in which a connection does not come to be.
// What a listener cannot do it says so: a TCP listener's kernel has sent the SYN-ACK before anybody could withhold it.
#pragma once

#include <cstdint>

namespace swiperig {

enum class Reception : std::uint8_t {
  open,        ///< let in
  slow,        ///< let in after a while: the SYN-ACK comes late
  unanswered,  ///< no SYN-ACK
  refused,     ///< RST instead of SYN-ACK
  unresolved,  ///< the name leads nowhere: not one SYN
  reset,       ///< let in, and reset at once
};

}  // namespace swiperig
