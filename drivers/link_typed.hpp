// What somebody types, or a file or a pipe in its place: standard input as a link that only reads. The descriptor's
// modes are as they were once the link is gone.
#pragma once

#include <memory>

#include "rig/clock.hpp"
#include "rig/link.hpp"

namespace swiperig {

std::unique_ptr<Link> typed_link(Clock& clock);

}  // namespace swiperig
