#pragma once

#include <string>

namespace swiperig {

/// What a hop through the relay adds to a message and its answer, and how fast a stream passes, beside haproxy and no
/// hop at all: everybody on one core, in turn. JSON members; haproxy's are null where it is not installed.
std::string relay_rates();

}  // namespace swiperig
