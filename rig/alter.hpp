// A message as somebody in the middle would change it: one thing in it is another, everything else, its MAC among it,
// as it was. Pure; what a message does not have cannot be changed in it.
#pragma once

#include <optional>
#include <string_view>

#include "rig/iso8583.hpp"

namespace swiperig {

inline constexpr std::string_view alterations[] = {"mac", "stan", "amount", "terminal", "mti", "code", "totals", "bit"};

/// The frame with its length prefix, changed. `bit`: which one to turn over, from the most significant of the first
/// byte, for "bit" only. Nothing: it has no such thing.
std::optional<Bytes> altered(BytesView frame, const Framing&, std::string_view what, std::int64_t bit);

}  // namespace swiperig
