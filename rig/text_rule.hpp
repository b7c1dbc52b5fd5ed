// What a text of the terminal means, as a profile says it: literal text from start to end, `{name}` for a captured part
// (possibly empty, up to the first place where the literal after it fits), `*` at either end for anything. Total: any
// rule and any text give a match or none; nothing is tried twice, so a match takes one pass over the text.
#pragma once

#include <optional>
#include <string_view>

#include "rig/event.hpp"
#include "rig/profile.hpp"

namespace swiperig {

/// The captured fields in the rule's order, or nullopt. The place is the caller's to compare.
std::optional<Fields> match(const TextRule& rule, std::string_view text);

}  // namespace swiperig
