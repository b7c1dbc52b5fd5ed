// What publishing costs: messages a second of a publisher beside a bare PUB socket that sends the same bytes, plain and
// with keys; and processor time of the thread that makes cycles, alone, with four followers, and with one that is
// stopped, in turns, as JSON members without the last comma.
#pragma once

#include <string>

namespace swiperig {

std::string publish_rates();

}  // namespace swiperig
