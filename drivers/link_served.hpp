// A device's own end of a TCP port: others connect to it one after another and it goes on living, as a supply or a test
// host does. Reading waits for the next caller when the last has gone; what is said while nobody is there is lost.
#pragma once

#include <memory>

#include "rig/link.hpp"

namespace swiperig {

std::unique_ptr<Link> served_link(std::unique_ptr<Listener> listener);

}  // namespace swiperig
