// What the [network] table of a bench file says of its relay beside the two ends: TLS, holds, connections.
#pragma once

#include <string>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "rig/case.hpp"

namespace swiperig {

/// Of a bench file whose links are read. Throws ConfigError.
void read_relay(const Table& network, BenchFile&);

/// Lets this process have as many descriptors as its relay's connections need.
void make_room(const BenchFile&);

/// Why the path of this bench cannot do the step, where TLS passes unread or messages are held only so long; "": it
/// can.
std::string relay_refusal(const Step&, const BenchFile&);
/// Whether its relay sees the milestone.
bool relay_sees(std::string_view milestone, const BenchFile&);

/// What `check` says of it: "test_trust; the relay's certificate ends in 800 days".
std::string relay_text(const BenchFile&);

}  // namespace swiperig
