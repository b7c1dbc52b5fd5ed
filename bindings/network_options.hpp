// What a campaign may do to the network: one word, and the keys that belong to it and to no other.
#pragma once

#include "bindings/config.hpp"
#include "bindings/sweep.hpp"
#include "rig/case.hpp"

namespace swiperig {

/// The fault that `network` names in the table of a step, with its keys but `lasts`; `number` is the step's in its
/// case. `when`: the step's milestone; `lasts`: null where the table has none.
NetworkFault read_network_fault(const Table&, const Value& network, const std::string& when, const Value* lasts,
                                std::size_t number, Sweeps&);

/// Why a path over TCP cannot do it exactly; "": it can.
std::string refusal_over_tcp(const NetworkFault&);

}  // namespace swiperig
