// Whether a record can have happened at all. A bench writes what it did and saw in order, so what is missing from its
// record, or in it twice, shows in what can only follow: a message that left the path and never entered it, a motion
// that nobody asked for. Such a record proves nothing about a terminal.
#pragma once

#include <span>
#include <string>

#include "rig/event.hpp"

namespace swiperig {

/// What of it cannot be, with the number of the event; "": nothing.
std::string contradiction(std::span<const Event> events);

}  // namespace swiperig
