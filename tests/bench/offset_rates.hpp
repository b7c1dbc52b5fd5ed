#pragma once

#include <string>

namespace swiperig {

/// How far from the asked moment the path is cut, in real time over TCP: the line at 0, 1, 3 and 10 ms after a request
/// has entered it, a thousand times each, with a host that answers at once and one that takes a millisecond. A response
/// that entered at the asked moment or later and arrived has slipped. JSON members.
std::string offset_rates(int& slipped);

}  // namespace swiperig
