// One cycle told in plain words: everything done and seen in order, with times from its beginning, then the money as
// the three books have it, the rules broken, and why. Lines that decided are marked: `*` the diagnosis, `!` a finding.
// Every text that came from a device is shown with its control characters made visible.
#pragma once

#include <span>
#include <string>

#include "rig/trace.hpp"

namespace swiperig {

std::string explain(const Case&, const Scope&, const CycleRecord&);
/// What later cycles of the same bench saw of this one's attempts, in order: a line for each that stands otherwise now.
/// The verdict stays what it was; "": nothing amends it.
std::string amendments(const CycleRecord&, std::span<const CycleRecord> later);
/// One event as a sentence, without time and source.
std::string sentence(const Event&);

}  // namespace swiperig
